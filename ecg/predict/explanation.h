// explanation.h
//
// Which samples of a recording a probability comes from, as numbers and as what is laid over its drawing.
//
//   ECG_ASSIGN_OR_RETURN(const Explanation explanation, predictor.Explain(signal, /*class_index=*/0));
//   const std::vector<float> emphasis = Emphasis(explanation, /*sampling_frequency_hz=*/500);

#ifndef ECG_PREDICT_EXPLANATION_H_
#define ECG_PREDICT_EXPLANATION_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace ecg {

// Explanation has what each sample adds to the logit of a class, compared with a flat signal: integrated gradients
// (Sundararajan, Taly and Yan 2017, arXiv:1703.01365).
struct Explanation {
  int leads = 0;
  // contributions, [leads, samples], of the samples of one lead after those of the other.
  std::vector<float> contributions = {};
  // The logit of the class, and that of a flat signal; the contributions sum up to their difference.
  double logit = 0;
  double flat_logit = 0;
  // missing is the part of the difference that the sum misses, because the integral is a sum over finitely many steps.
  double missing = 0;
};

// Emphasis returns how much to highlight each sample, [leads, samples], 0 to 1: contributions that raise the logit,
// smoothed over 20 ms (the standard deviation of a Gaussian). 1 is the 99.5th percentile over all leads.
inline std::vector<float> Emphasis(const Explanation& explanation, double sampling_frequency_hz) {
  const double sigma = 0.020 * sampling_frequency_hz;
  const int radius = static_cast<int>(std::ceil(3 * sigma));
  std::vector<double> kernel;
  for (int i = -radius; i <= radius; ++i) kernel.push_back(std::exp(-0.5 * (i / sigma) * (i / sigma)));
  const int samples = static_cast<int>(explanation.contributions.size()) / explanation.leads;
  std::vector<float> emphasis(explanation.contributions.size());
  for (int lead = 0; lead < explanation.leads; ++lead) {
    const float* const in = &explanation.contributions[static_cast<size_t>(lead) * samples];
    float* const out = &emphasis[static_cast<size_t>(lead) * samples];
    for (int i = 0; i < samples; ++i) {
      double sum = 0;
      for (int k = std::max(-radius, -i); k <= std::min(radius, samples - 1 - i); ++k)
        sum += kernel[k + radius] * in[i + k];
      out[i] = static_cast<float>(std::max(sum, 0.0));
    }
  }
  if (emphasis.empty()) return emphasis;
  std::vector<float> sorted = emphasis;
  const auto high = sorted.begin() + static_cast<std::ptrdiff_t>(0.995 * static_cast<double>(sorted.size() - 1));
  std::ranges::nth_element(sorted, high);
  if (*high > 0) {
    for (float& value : emphasis) value = std::min(value / *high, 1.f);
  }
  return emphasis;
}

}  // namespace ecg

#endif  // ECG_PREDICT_EXPLANATION_H_
