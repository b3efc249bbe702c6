// How fast this processor can go: products of a shape by the tiles that the networks use, and reading and copying memory.
// Knows tiles and a thread's own clock; refuses to know networks. Everything is of one thread, by its processor time.
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include <ctime>

#include "products.h"

namespace {

using namespace mundo;

double now_s() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

// How often a second, in at least that long.
template <typename Work>
double rate(double seconds, const Work& work) {
  work();
  const double begun = now_s();
  double passed = 0;
  long times = 0;
  for (long some = 1; passed < seconds; some *= 2) {
    for (long i = 0; i < some; ++i) work();
    times += some, passed = now_s() - begun;
  }
  return times / passed;
}

}  // namespace

extern "C" int ceiling_supported() { return 1; }

// Products a second of bytes [rows, inputs] and signed bytes [inputs, outputs], sums left as they are. Inputs in whole fours.
extern "C" double ceiling_integers(int rows, int inputs, int outputs, double seconds) {
  const Matrix matrix(outputs, inputs, [](int c, int r) { return (float)((c * 7 + r * 3) % 11 - 5); });
  Bytes bytes(rows, inputs);
  for (int r = 0; r < rows; ++r)
    for (int i = 0; i < inputs; ++i) bytes.row(r)[i] = r * 5 + i;
  alignas(64) int32_t sums[kTile * kBlock];
  auto run = [&](auto wide) {
    constexpr int kWide = decltype(wide)::value;
    return rate(seconds, [&] {
      for (int block = 0; block < matrix.columns / (kWide * kLanes); ++block)
        for (int first = 0; first < rows; first += kTile)
          tile<kWide>(std::min(rows - first, kTile), bytes, first, matrix, block, sums);
    });
  };
  switch (matrix.wide) {
    case 4: return run(std::integral_constant<int, 4>());
    case 3: return run(std::integral_constant<int, 3>());
    case 2: return run(std::integral_constant<int, 2>());
    default: return run(std::integral_constant<int, 1>());
  }
}

// Products a second of floats.
extern "C" double ceiling_floats(int rows, int inputs, int outputs, double seconds) {
  const int columns = (outputs + kBlock - 1) / kBlock * kBlock, padded = (rows + kTile - 1) / kTile * kTile;
  Floats left((size_t)padded * inputs), right((size_t)inputs * columns), to((size_t)padded * columns);
  std::fill_n(left.data(), (size_t)padded * inputs, 1.f), std::fill_n(right.data(), (size_t)inputs * columns, 1.f);
  return rate(seconds, [&] {
    for (int c = 0; c < outputs; c += kBlock)
      for (int r = 0; r < rows; r += kTile) {
        const float *a = left.data() + (size_t)r * inputs, *b = right.data() + c;
        float* out = to.data() + (size_t)r * columns + c;
        switch ((std::min(outputs - c, kBlock) + kLanes - 1) / kLanes) {
          case 4: float_tile<kTile, 4>(a, inputs, inputs, b, columns, out, columns); break;
          case 3: float_tile<kTile, 3>(a, inputs, inputs, b, columns, out, columns); break;
          case 2: float_tile<kTile, 2>(a, inputs, inputs, b, columns, out, columns); break;
          default: float_tile<kTile, 1>(a, inputs, inputs, b, columns, out, columns);
        }
      }
  });
}

// Bytes a second that are read of memory of that size, and bytes read and written a second in copying half of it to the other.
extern "C" double ceiling_read(long bytes, double seconds) {
  Floats memory(bytes / 4);
  const float* from = memory.data();
  volatile float kept = 0;
  return bytes * rate(seconds, [&] {
    __m512 sum[4] = {};
    for (long i = 0; i + 64 <= bytes / 4; i += 64)
      for (int j = 0; j < 4; ++j) sum[j] = _mm512_add_ps(sum[j], load(from + i + j * kLanes));
    kept = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
  });
}

extern "C" double ceiling_copy(long bytes, double seconds) {
  Floats memory(bytes / 4);
  char* from = reinterpret_cast<char*>(memory.data());
  return bytes * rate(seconds, [&] {
    std::memcpy(from, from + bytes / 2, bytes / 2);
    asm volatile("" ::: "memory");
  });
}

#else
extern "C" int ceiling_supported() { return 0; }
#endif
