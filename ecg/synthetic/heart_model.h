// heart_model.h
//
// A model of the heart that computes 12-lead electrocardiograms: a dipole in the chest whose three components are sums
// of Gaussian waves around each beat (McSharry et al. 2003, doi:10.1109/TBME.2003.808805; in three dimensions, Sameni
// et al. 2007, doi:10.1155/2007/43407), seen from the leads through Dower's matrix.
//
//   Random random({/*seed=*/1, /*record=*/17});
//   Heart heart;
//   heart.rate_bpm = 45;
//   heart.pr_seconds = 0.3;               // bradycardia with a first-degree block
//   HeartRecorder recorder;
//   recorder.Record(heart, Noise(), random);
//   Signal signal = recorder.Digitize(500);
//
// Directions are those of the vectorcardiogram: x to the patient's left, y to the feet, z to the back. Times within a
// beat are seconds from its R peak.

#ifndef ECG_SYNTHETIC_HEART_MODEL_H_
#define ECG_SYNTHETIC_HEART_MODEL_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"

namespace ecg {

// Between returns a number that is uniform in [low, high).
inline float Between(Random& random, double low, double high) {
  return static_cast<float>(low + (high - low) * random.Uniform());
}

// Normal returns a draw from the standard normal distribution (Box and Muller 1958, doi:10.1214/aoms/1177706645).
inline float Normal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.Uniform()));
  return static_cast<float>(radius * std::cos(2 * std::numbers::pi * random.Uniform()));
}

// Vector is a direction in the chest and, as a moment of the dipole, its strength in mV.
struct Vector {
  float x = 0;
  float y = 0;
  float z = 0;

  friend constexpr Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend constexpr Vector operator*(float factor, Vector v) { return {factor * v.x, factor * v.y, factor * v.z}; }
  constexpr Vector& operator+=(Vector other) { return *this = *this + other; }
  constexpr Vector& operator*=(float factor) { return *this = factor * *this; }
};

// Wave is one Gaussian of a beat.
struct Wave {
  float centre_seconds = 0;
  float width_seconds = 0.01f;  // the standard deviation of the Gaussian
  Vector peak;
};

// Rhythm is what drives the beats.
enum class Rhythm {
  kSinus,
  kFibrillation,                 // no P, fibrillatory waves, an irregular ventricle
  kFlutter,                      // sawtooth of the atria, every second to fourth wave conducted
  kWandering,                    // P waves of changing shape and interval
  kSupraventricularTachycardia,  // fast and regular, P hidden
  kParoxysmalTachycardia,        // bursts of it between sinus beats
  kPaced,                        // a spike before each wide beat, no P
};

// Conduction is how the ventricles follow the atria.
enum class Conduction {
  kEveryBeat,
  kWenckebach,  // the PR interval grows until every third P wave is left without a QRS complex
  kNone,        // the ventricles beat at a slow rate of their own
};

// Ectopy is the kind of the beats that come too early.
enum class Ectopy {
  kNone,
  kAtrial,       // an early, inverted P wave and a normal QRS complex
  kVentricular,  // a wide QRS complex of its own direction, no P wave
  kUnspecified,  // no P wave and a QRS complex that is conducted with a delay on the right
};

// Heart are the parameters of a record's beats. The defaults are healthy.
struct Heart {
  Rhythm rhythm = Rhythm::kSinus;
  float rate_bpm = 72;
  float respiratory_variation = 0.03f;  // of the interval between beats, as a fraction
  Conduction conduction = Conduction::kEveryBeat;
  Ectopy ectopy = Ectopy::kNone;
  int ectopy_every = 0;  // every how many beats one is ectopic; 0: irregularly, every third to fifth

  // The atria. pr_seconds is from the middle of the P wave to the R peak, about 10 ms less than the PR interval.
  float pr_seconds = 0.150f;
  float p_width_seconds = 0.019f;
  float left_atrium_delay_seconds = 0.024f;
  Vector right_atrium = {0.04f, 0.08f, -0.05f};
  Vector left_atrium = {0.07f, 0.05f, 0.04f};

  // The ventricles, in the order in which they are activated; a wave with no strength is not there.
  Wave delta = {-0.029f, 0.014f, {}};                         // pre-excitation
  Wave septum = {-0.023f, 0.008f, {-0.16f, -0.06f, -0.26f}};  // to the right and front
  Wave necrosis = {-0.018f, 0.011f, {}};                      // the missing force of an infarct
  Wave wall = {0, 0.011f, {1.00f, 0.84f, 0.30f}};             // the main vector, whose direction is the axis
  Wave notch = {0.004f, 0.0045f, {}};                         // fragmentation of the R wave
  Wave posterior = {0.014f, 0.010f, {0.15f, 0.05f, 0.62f}};   // the back wall: S in V1 to V3
  Wave base = {0.030f, 0.008f, {-0.18f, -0.12f, 0.20f}};      // S in I, II, V5 and V6
  Wave late = {0.060f, 0.018f, {}};                           // what a bundle branch block delays
  float qrs_stretch = 1;                                      // of the times and widths of all of these
  float voltage = 1;                                          // of their strengths

  // Repolarisation. The ST segment is shifted by three vectors: just after the J point, in the middle, before the T
  // wave.
  Vector st_early;
  Vector st_middle;
  Vector st_late;
  Vector t = {0.30f, 0.24f, -0.16f};
  float t_rise = 0.35f;  // the T wave is a slow rise and a peak: their shares of `t`
  float t_peak = 0.75f;
  float t_split_seconds = 0.050f;  // from the one to the other
  float t_width_seconds = 0.036f;
  float t_seconds = 0.300f;  // from the R peak to the peak of T when the beat lasts one second
  Vector u = {0.015f, 0.015f, -0.015f};

  // PointAxis turns the wall's vector in the frontal plane: 0 degrees is to the left, 90 to the feet.
  void PointAxis(float degrees) {
    const float strength = std::hypot(wall.peak.x, wall.peak.y);
    const float radians = degrees * std::numbers::pi_v<float> / 180;
    wall.peak.x = strength * std::cos(radians);
    wall.peak.y = strength * std::sin(radians);
  }

  // ShiftSt moves the whole ST segment.
  void ShiftSt(Vector shift) {
    st_early += shift;
    st_middle += shift;
    st_late += shift;
  }
};

// kDower gives leads I, II and V1 to V6 from x, y and z (Dower, Machado and Osborne 1980, Clinical Cardiology
// 3:87-95). The other four leads follow from I and II.
inline constexpr std::array<Vector, 8> kDower = {{
    {0.632f, -0.235f, 0.059f},   // I
    {0.235f, 1.066f, -0.132f},   // II
    {-0.515f, 0.157f, -0.917f},  // V1
    {0.044f, 0.164f, -1.387f},   // V2
    {0.882f, 0.098f, -1.277f},   // V3
    {1.213f, 0.127f, -0.601f},   // V4
    {1.125f, 0.127f, -0.086f},   // V5
    {0.831f, 0.076f, 0.230f},    // V6
}};

// Noise is what is added to the signal of the heart, in mV.
struct Noise {
  float wander = 0.03f;        // slow drift of each electrode with the breath
  float mains = 0.004f;        // 50 Hz
  float muscle = 0.008f;       // standard deviation
  float electrode_motion = 0;  // height of the one bump of one electrode, up or down
};

// HeartRecorder computes some seconds of a heart. It reuses its buffers: use one for many records, but from one thread.
class HeartRecorder {
 public:
  static constexpr int kSeconds = 10;
  static constexpr int kRateHz = 500;
  static constexpr float kUnitsPerMv = 1000;

  // RecordFor sets how long the records are from now on; they are `kSeconds` long otherwise.
  void RecordFor(int seconds) {
    seconds_ = seconds;
    length_ = seconds * kRateHz + 2 * kMargin;
  }

  // Record computes the leads. The same `heart`, `noise` and state of `random` give the same samples.
  void Record(const Heart& heart, const Noise& noise, Random& random) {
    for (std::vector<float>& component : dipole_) component.assign(length_, 0);
    const float breath_hz = Between(random, 0.2, 0.3);
    const float breath_phase = Between(random, 0, 2 * std::numbers::pi);
    AddBeats(heart, breath_hz, breath_phase, random);
    if (heart.rhythm == Rhythm::kFibrillation) AddFibrillation(random);
    Project(random);
    AddNoise(noise, breath_hz, random);
  }

  // Digitize returns the record at `rate_hz`, 500 or 100.
  Signal Digitize(int rate_hz) const {
    const int step = kRateHz / rate_hz;
    Signal signal;
    signal.sampling_frequency_hz = rate_hz;
    signal.samples = seconds_ * rate_hz;
    signal.digital.resize(static_cast<size_t>(kLeads) * signal.samples);
    signal.calibration.fill({.gain = kUnitsPerMv, .baseline = 0});
    int16_t* out = signal.digital.data();
    for (int sample = 0; sample < signal.samples; ++sample) {
      std::array<float, 8> lead;
      for (int k = 0; k < 8; ++k) {
        const float* centre = leads_[k].data() + kMargin + sample * step;
        lead[k] = step == 1 ? *centre : LowPass(centre);
      }
      const float i = lead[0];
      const float ii = lead[1];
      const std::array<float, kLeads> mv = {i,       ii,      ii - i,  -(i + ii) / 2, i - ii / 2, ii - i / 2,
                                            lead[2], lead[3], lead[4], lead[5],       lead[6],    lead[7]};
      for (int k = 0; k < kLeads; ++k) out[k * signal.samples + sample] = Units(mv[k]);
    }
    return signal;
  }

 private:
  // Half the length of the low-pass filter: so much is computed before and after the record.
  static constexpr int kMargin = 25;

  static int16_t Units(float mv) {
    return static_cast<int16_t>(std::clamp(std::lrintf(mv * kUnitsPerMv), -32767L, 32767L));
  }

  using Taps = std::array<float, 2 * kMargin + 1>;

  // kTaps are the weights of the low-pass filter: a sinc at 40 Hz under a Hann window.
  static inline const Taps kTaps = [] {
    Taps taps;
    double sum = 0;
    for (int k = -kMargin; k <= kMargin; ++k) {
      const double angle = 2 * std::numbers::pi * 40 * k / kRateHz;
      const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * k / (kMargin + 1));
      taps[k + kMargin] = static_cast<float>((k == 0 ? 1 : std::sin(angle) / angle) * window);
      sum += taps[k + kMargin];
    }
    for (float& tap : taps) tap /= static_cast<float>(sum);
    return taps;
  }();

  // LowPass returns the signal at `centre` without what 100 samples a second cannot hold.
  static float LowPass(const float* centre) {
    float sum = 0;
    for (int k = 0; k <= 2 * kMargin; ++k) sum += kTaps[k] * centre[k - kMargin];
    return sum;
  }

  // Add adds a Gaussian at `seconds`, near its centre only. The values follow from one another by two products each:
  // the ratio of neighbours of a Gaussian is a geometric series.
  void Add(float seconds, float width_seconds, Vector peak) {
    if (peak.x == 0 && peak.y == 0 && peak.z == 0) return;
    const double centre = static_cast<double>(seconds) * kRateHz + kMargin;
    const double width = static_cast<double>(width_seconds) * kRateHz;
    const int begin = std::max(0, static_cast<int>(std::ceil(centre - 4 * width)));
    const int end = std::min(length_, static_cast<int>(centre + 4 * width) + 1);
    if (begin >= end) return;
    const double distance = (begin - centre) / width;
    double value = std::exp(-0.5 * distance * distance);
    double ratio = std::exp(-(distance + 0.5 / width) / width);
    const double ratio_of_ratios = std::exp(-1 / (width * width));
    for (int sample = begin; sample < end; ++sample) {
      const float gaussian = static_cast<float>(value);
      dipole_[0][sample] += gaussian * peak.x;
      dipole_[1][sample] += gaussian * peak.y;
      dipole_[2][sample] += gaussian * peak.z;
      value *= ratio;
      ratio *= ratio_of_ratios;
    }
  }

  void AddAtria(const Heart& heart, float seconds) {
    Add(seconds - heart.left_atrium_delay_seconds / 2, heart.p_width_seconds, heart.right_atrium);
    Add(seconds + heart.left_atrium_delay_seconds / 2, heart.p_width_seconds, heart.left_atrium);
  }

  // AddVentricles adds QRS, ST, T and U around an R peak; `interval_seconds` is the time to the next beat, which the
  // repolarisation follows by its square root (Bazett 1920).
  void AddVentricles(const Heart& heart, float seconds, float interval_seconds, float strength) {
    for (const Wave& wave : {heart.delta, heart.septum, heart.necrosis, heart.wall, heart.notch, heart.posterior,
                             heart.base, heart.late}) {
      Add(seconds + wave.centre_seconds * heart.qrs_stretch, wave.width_seconds * heart.qrs_stretch,
          strength * heart.voltage * wave.peak);
    }
    const float pace = std::sqrt(std::clamp(interval_seconds, 0.3f, 1.4f));
    const float j = seconds + 0.045f * heart.qrs_stretch;
    const float t = seconds + heart.t_seconds * pace;
    const float t_start = t - 2.2f * heart.t_width_seconds * pace;
    const float third = std::max(0.02f, (t_start - j) / 3);
    Add(j + 0.5f * third, 0.55f * third, strength * heart.st_early);
    Add(j + 1.5f * third, 0.55f * third, strength * heart.st_middle);
    Add(j + 2.5f * third, 0.55f * third, strength * heart.st_late);
    Add(t - heart.t_split_seconds * pace, 1.2f * heart.t_width_seconds * pace, strength * heart.t_rise * heart.t);
    Add(t, heart.t_width_seconds * pace, strength * heart.t_peak * heart.t);
    Add(t + 0.15f * pace, 0.028f * pace, strength * heart.u);
  }

  // AddBeats lays out the rhythm from before the record's start to after its end.
  void AddBeats(const Heart& heart, float breath_hz, float breath_phase, Random& random) {
    const float slow_phase = Between(random, 0, 2 * std::numbers::pi);
    const float mean_interval = 60 / heart.rate_bpm;
    const Heart ectopic = EctopicHeart(heart, random);
    const float flutter_interval = Between(random, 0.195, 0.215);
    const int flutter_ratio = std::max(2, static_cast<int>(std::lround(mean_interval / flutter_interval)));
    if (heart.rhythm == Rhythm::kFlutter) AddFlutter(flutter_interval);

    int until_ectopic = 1 + static_cast<int>(random.Below(3));
    int beat_of_burst = static_cast<int>(random.Below(9));
    int wenckebach = static_cast<int>(random.Below(3));
    const float two_pi = 2 * std::numbers::pi_v<float>;
    float r = -1.0f - mean_interval * Between(random, 0, 1);
    if (heart.rhythm == Rhythm::kFlutter) r = -flutter_interval * (4 + static_cast<float>(random.Below(3)));
    while (r < static_cast<float>(seconds_ + 1)) {
      const float breath = std::sin(two_pi * breath_hz * r + breath_phase);
      float interval = mean_interval * (1 + heart.respiratory_variation * breath +
                                        0.015f * std::sin(two_pi * 0.1f * r + slow_phase) + 0.008f * Normal(random));
      Heart beat = heart;
      bool has_p = heart.conduction != Conduction::kNone;
      switch (heart.rhythm) {
        case Rhythm::kSinus:
          break;
        case Rhythm::kFibrillation:
          interval = mean_interval * Between(random, 0.62, 1.45);
          has_p = false;
          break;
        case Rhythm::kFlutter:
          interval = flutter_interval * static_cast<float>(flutter_ratio);
          has_p = false;
          break;
        case Rhythm::kWandering:
          interval = mean_interval * Between(random, 0.65, 1.4);
          beat.pr_seconds = Between(random, 0.10, 0.19);
          beat.right_atrium = {Between(random, -0.12, 0.12), Between(random, -0.24, 0.24), -0.10f};
          beat.left_atrium = {Between(random, -0.12, 0.12), Between(random, -0.24, 0.24), 0.06f};
          break;
        case Rhythm::kSupraventricularTachycardia:
          has_p = false;
          break;
        case Rhythm::kParoxysmalTachycardia:
          // Six fast beats, then three of the sinus node.
          beat_of_burst = (beat_of_burst + 1) % 9;
          has_p = beat_of_burst >= 6;
          if (!has_p) interval = 0.33f;
          break;
        case Rhythm::kPaced:
          Add(r - 0.066f, 0.0016f, {0.9f, 0.9f, -0.4f});
          has_p = false;
          break;
      }
      const float strength = 1 + 0.04f * breath;
      if (heart.conduction == Conduction::kWenckebach) {
        // `r` is where the QRS complex of an unblocked beat would be; its P waves come at the sinus node's pace.
        AddAtria(heart, r - heart.pr_seconds);
        if (wenckebach < 2) AddVentricles(heart, r + 0.10f * static_cast<float>(wenckebach), interval, strength);
        wenckebach = (wenckebach + 1) % 3;
        r += interval;
        continue;
      }
      if (heart.ectopy != Ectopy::kNone && --until_ectopic <= 0) {
        until_ectopic = heart.ectopy_every > 0 ? heart.ectopy_every : 3 + static_cast<int>(random.Below(3));
        // The ectopic beat takes the place of this one, early by over a third of the interval. A ventricular one does
        // not disturb the sinus node, which goes on at its pace; the others reset it.
        const float early = r - 0.38f * mean_interval;
        if (heart.ectopy == Ectopy::kAtrial && has_p) AddAtria(ectopic, early - ectopic.pr_seconds);
        AddVentricles(ectopic, early, mean_interval, strength);
        r = heart.ectopy == Ectopy::kVentricular ? r + interval : early + 1.1f * interval;
        continue;
      }
      if (has_p) AddAtria(beat, r - beat.pr_seconds);
      AddVentricles(beat, r, interval, strength);
      r += interval;
    }
    if (heart.conduction == Conduction::kNone) {
      const float atrial_interval = 60 / Between(random, 80, 95);
      for (float p = -1 - Between(random, 0, 0.7); p < static_cast<float>(seconds_ + 1); p += atrial_interval)
        AddAtria(heart, p);
    }
  }

  // EctopicHeart returns the heart as its ectopic beats run through it.
  static Heart EctopicHeart(const Heart& heart, Random& random) {
    Heart ectopic = heart;
    switch (heart.ectopy) {
      case Ectopy::kNone:
        break;
      case Ectopy::kAtrial:
        ectopic.pr_seconds = 0.12f;
        ectopic.right_atrium = {-0.05f, -0.22f, -0.05f};
        ectopic.left_atrium = {-0.08f, -0.16f, 0.05f};
        break;
      case Ectopy::kVentricular: {
        const float side = random.Uniform() < 0.5 ? 1 : -1;
        ectopic = Heart();
        ectopic.septum.peak = ectopic.posterior.peak = ectopic.base.peak = {};
        ectopic.wall = {0, 0.028f, {1.5f, 0, 0.9f * side}};
        ectopic.PointAxis(Between(random, 60, 110) * side);
        ectopic.late = {0.055f, 0.024f, {-0.2f * side, 0.5f * side, 0.8f * side}};
        ectopic.t = -0.45f * ectopic.wall.peak;
        ectopic.t_seconds = 0.33f;
        ectopic.t_width_seconds = 0.055f;
        break;
      }
      case Ectopy::kUnspecified:
        ectopic.late = {0.060f, 0.020f, {-0.7f, 0.3f, -0.9f}};
        ectopic.t = {0.10f, 0.10f, 0.35f};
        break;
    }
    return ectopic;
  }

  // AddFibrillation adds f waves: two waves of drifting frequency, largest in V1 and the inferior leads.
  void AddFibrillation(Random& random) {
    double phase[2] = {2 * std::numbers::pi * random.Uniform(), 2 * std::numbers::pi * random.Uniform()};
    const double hz[2] = {Between(random, 5.0, 6.2), Between(random, 6.5, 8.0)};
    const double drift_hz = Between(random, 0.4, 0.8);
    for (int sample = 0; sample < length_; ++sample) {
      const double drift = std::sin(2 * std::numbers::pi * drift_hz * sample / kRateHz);
      for (int wave = 0; wave < 2; ++wave) {
        phase[wave] += 2 * std::numbers::pi * (hz[wave] + drift) / kRateHz;
      }
      const float first = static_cast<float>(std::sin(phase[0]));
      const float second = static_cast<float>(std::sin(phase[1]));
      dipole_[0][sample] -= 0.015f * first;
      dipole_[1][sample] += 0.04f * first + 0.015f * second;
      dipole_[2][sample] -= 0.04f * first - 0.02f * second;
    }
  }

  // AddFlutter adds F waves: a sawtooth that falls slowly and rises fast in the inferior leads.
  void AddFlutter(float interval_seconds) {
    const Vector peak = {-0.02f, -0.24f, -0.07f};
    for (float seconds = -1; seconds < static_cast<float>(seconds_ + 1); seconds += interval_seconds) {
      Add(seconds, 0.20f * interval_seconds, peak);
      Add(seconds + 0.30f * interval_seconds, 0.11f * interval_seconds, -0.8f * peak);
    }
  }

  // Project computes the leads. Electrodes never sit quite where they should.
  void Project(Random& random) {
    for (int k = 0; k < 8; ++k) {
      const float gain = 1 + 0.03f * Normal(random);
      const Vector row = gain * (kDower[k] + 0.02f * Vector{Normal(random), Normal(random), Normal(random)});
      leads_[k].resize(length_);
      for (int sample = 0; sample < length_; ++sample) {
        leads_[k][sample] = row.x * dipole_[0][sample] + row.y * dipole_[1][sample] + row.z * dipole_[2][sample];
      }
    }
  }

  // AddNoise disturbs each of the eight independent leads by itself, so that the derived four stay consistent.
  void AddNoise(const Noise& noise, float breath_hz, Random& random) {
    const double two_pi = 2 * std::numbers::pi;
    const int moved = static_cast<int>(random.Below(8));
    for (int k = 0; k < 8; ++k) {
      std::vector<float>& lead = leads_[k];
      // Breath, a slower drift and the mains are sines. The braces draw their parameters in order.
      Oscillator breath{breath_hz, two_pi * random.Uniform(), noise.wander * Between(random, 0.3, 1)};
      Oscillator drift{Between(random, 0.05, 0.15), two_pi * random.Uniform(), noise.wander * Between(random, 0.3, 1)};
      Oscillator mains{50, two_pi * random.Uniform(), noise.mains * Between(random, 0.3, 1)};
      float previous = 0;
      for (float& sample : lead) {
        // Four 16-bit uniforms sum to nearly a normal draw, of standard deviation 2^16 / sqrt(3). The difference to
        // half the last one leaves mostly fast changes, as muscles make.
        const uint64_t bits = random();
        const float sum = static_cast<float>(
            static_cast<int32_t>((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)) -
            131070);
        const float draw = sum * (noise.muscle * 0.8944f * 1.7320508f / 65536);
        sample += breath.Next() + drift.Next() + mains.Next() + draw - 0.5f * previous;
        previous = draw;
      }
      if (k == moved && noise.electrode_motion != 0) {
        const double centre = Between(random, 1, seconds_ - 1) * kRateHz;
        for (int sample = 0; sample < length_; ++sample) {
          const double distance = (sample - centre) / (0.2 * kRateHz);
          lead[sample] += noise.electrode_motion * static_cast<float>(std::exp(-0.5 * distance * distance));
        }
      }
    }
  }

  // Oscillator is a sine, computed by rotation through the angle of one sample.
  class Oscillator {
   public:
    Oscillator(double hz, double phase, double strength)
        : sine_(strength * std::sin(phase)),
          cosine_(strength * std::cos(phase)),
          step_sine_(std::sin(2 * std::numbers::pi * hz / kRateHz)),
          step_cosine_(std::cos(2 * std::numbers::pi * hz / kRateHz)) {}
    float Next() {
      const double sine = sine_ * step_cosine_ + cosine_ * step_sine_;
      cosine_ = cosine_ * step_cosine_ - sine_ * step_sine_;
      return static_cast<float>(sine_ = sine);
    }

   private:
    double sine_, cosine_, step_sine_, step_cosine_;
  };

  int seconds_ = kSeconds;
  int length_ = kSeconds * kRateHz + 2 * kMargin;
  std::array<std::vector<float>, 3> dipole_;
  std::array<std::vector<float>, 8> leads_;
};

}  // namespace ecg

#endif  // ECG_SYNTHETIC_HEART_MODEL_H_
