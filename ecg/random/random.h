// random.h
//
// Reproducible random numbers. A generator is seeded with a key, such as (seed, epoch, record), so that a draw does not
// depend on the number of threads, the order of the work, or the standard library.
//
//   Random random({/*seed=*/1, /*epoch=*/3, /*record=*/17});
//   const uint64_t start = random.Below(3750);   // 0 to 3749

#ifndef ECG_RANDOM_RANDOM_H_
#define ECG_RANDOM_RANDOM_H_

#include <cstdint>
#include <initializer_list>

namespace ecg {

// MixBits mixes the bits of `z`: the output function of SplitMix64 (Steele, Lea and Flood 2014,
// doi:10.1145/2660193.2660195), a bijection.
constexpr uint64_t MixBits(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// UnitInterval maps the upper 53 of 64 random bits to a number in [0, 1).
constexpr double UnitInterval(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// Random is a SplitMix64 generator. It is a UniformRandomBitGenerator.
class Random {
 public:
  using result_type = uint64_t;

  // The numbers depend on all parts of `key` and on their order.
  explicit constexpr Random(std::initializer_list<uint64_t> key) {
    for (const uint64_t part : key) state_ = MixBits(state_ + kStep + part);
  }

  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return ~uint64_t{0}; }
  constexpr uint64_t operator()() { return MixBits(state_ += kStep); }

  // Uniform returns a number in [0, 1).
  constexpr double Uniform() { return UnitInterval((*this)()); }

  // Below returns a whole number in [0, `bound`), each equally likely (Lemire 2019, doi:10.1145/3230636). `bound` must
  // be positive.
  constexpr uint64_t Below(uint64_t bound) {
    while (true) {
      const unsigned __int128 product = static_cast<unsigned __int128>((*this)()) * bound;
      const uint64_t low = static_cast<uint64_t>(product);
      if (low >= bound || low >= -bound % bound) return static_cast<uint64_t>(product >> 64);
    }
  }

 private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15;

  uint64_t state_ = 0;
};

}  // namespace ecg

#endif  // ECG_RANDOM_RANDOM_H_
