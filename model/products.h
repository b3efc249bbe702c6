// Products on AVX-512: 8-bit integers by VNNI with a scale a row and a scale a column, and small ones of floats.
// Knows registers and packing; refuses to know networks.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

namespace mundo {

constexpr int kLanes = 16, kBlock = 64, kTile = 6;  // floats a register; columns and rows that one tile of a product has

struct alignas(64) Line {
  int8_t bytes[64];
};
struct alignas(64) Lane16 {
  float values[kLanes];
};

// Floats that start on a cache line.
class Floats {
 public:
  Floats() = default;
  explicit Floats(size_t count) : lines_((count + kLanes - 1) / kLanes) {}
  Floats(const float* from, size_t count) : Floats(count) { std::memcpy(data(), from, count * sizeof(float)); }
  float* data() { return lines_.empty() ? nullptr : lines_.data()->values; }
  const float* data() const { return lines_.empty() ? nullptr : lines_.data()->values; }

 private:
  std::vector<Lane16> lines_;
};

// A matrix [columns, rows] of a linear layer as signed bytes: blocks of 64 columns, in them four rows at a time.
struct Matrix {
  int rows = 0, columns = 0;
  std::vector<Line> packed;
  std::vector<int32_t> start;  // -128 times the sum of a column: the inputs are stored with 128 added
  Floats scale;

  Matrix() = default;
  // `from` says which of the weight's output channels a column is.
  Matrix(const float* weight, int columns, int rows, const std::function<int(int)>& from)
      : rows(rows), columns(columns), packed((size_t)columns * rows / 64), start(columns), scale(columns) {
    for (int c = 0; c < columns; ++c) {
      const float* channel = weight + (size_t)from(c) * rows;
      float largest = 1e-12f;
      for (int r = 0; r < rows; ++r) largest = std::max(largest, std::fabs(channel[r]));
      scale.data()[c] = largest / 127;
      for (int r = 0; r < rows; ++r) {
        int value = (int)std::nearbyint(channel[r] * (127 / largest));
        start[c] -= 128 * value;
        packed[((size_t)(c / kBlock) * (rows / 4) + r / 4) * 4 + c % kBlock / kLanes].bytes[c % kLanes * 4 + r % 4] = value;
      }
    }
  }
};

// Rows of unsigned bytes, 128 added, each with its scale.
struct Bytes {
  std::vector<Line> lines;
  std::vector<float> scale;
  int width = 0;
  Bytes(int rows, int width) : lines(((size_t)rows * width + 63) / 64), scale(rows), width(width) {}
  uint8_t* row(int r) { return reinterpret_cast<uint8_t*>(lines.data()) + (size_t)r * width; }
  const uint8_t* row(int r) const { return reinterpret_cast<const uint8_t*>(lines.data()) + (size_t)r * width; }
};

inline __m512 load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, __m512 v) { _mm512_storeu_ps(p, v); }
inline __m512 all(float x) { return _mm512_set1_ps(x); }

inline void store_bytes(uint8_t* p, __m512 scaled) {
  __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(scaled), _mm512_set1_epi32(128));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(whole));
}

// Floats to bytes within the range of this row.
inline void quantize(const float* x, Bytes& to, int r) {
  __m512 largest = all(0);
  for (int i = 0; i < to.width; i += kLanes) largest = _mm512_max_ps(largest, _mm512_abs_ps(load(x + i)));
  float top = std::max(_mm512_reduce_max_ps(largest), 1e-20f);
  for (int i = 0; i < to.width; i += kLanes) store_bytes(to.row(r) + i, _mm512_mul_ps(load(x + i), all(127 / top)));
  to.scale[r] = top / 127;
}

// The same after RMSNorm with gains, in one go.
inline void quantize_normed(const float* x, const float* gain, Bytes& to, int r) {
  __m512 largest = all(0), squares = all(0);
  for (int i = 0; i < to.width; i += kLanes) {
    __m512 v = load(x + i);
    squares = _mm512_fmadd_ps(v, v, squares);
    largest = _mm512_max_ps(largest, _mm512_abs_ps(_mm512_mul_ps(v, load(gain + i))));
  }
  float top = std::max(_mm512_reduce_max_ps(largest), 1e-20f);
  for (int i = 0; i < to.width; i += kLanes)
    store_bytes(to.row(r) + i, _mm512_mul_ps(_mm512_mul_ps(load(x + i), load(gain + i)), all(127 / top)));
  to.scale[r] = top / 127 / std::sqrt(_mm512_reduce_add_ps(squares) / to.width + 1e-6f);
}

// Up to six rows of bytes, `stride` apart, times a block of 64 columns -> sums [kRows, 64]. Alone in its function, so
// that all sums stay in registers.
template <int kRows>
__attribute__((noinline)) void tile(const uint8_t* a, int stride, const Matrix& w, int block, int32_t* to) {
  __m512i sum[kRows][4];
  const int32_t* start = w.start.data() + block * kBlock;
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sum[r][j] = _mm512_loadu_si512(start + j * kLanes);
  const Line* line = w.packed.data() + (size_t)block * w.rows;
  for (int k = 0; k < w.rows; k += 4, line += 4, a += 4) {
    __m512i weight[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) weight[j] = _mm512_load_si512(line + j);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      int32_t four;
      std::memcpy(&four, a + (size_t)r * stride, 4);
      __m512i input = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sum[r][j] = _mm512_dpbusd_epi32(sum[r][j], input, weight[j]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) _mm512_store_si512(to + (r * 4 + j) * kLanes, sum[r][j]);
}

// `write(row, block, values)` takes four registers a row and block.
template <typename Write>
inline void product(const Bytes& a, int rows, const Matrix& w, const Write& write) {
  alignas(64) int32_t sums[kTile * kBlock];
  for (int block = 0; block < w.columns / kBlock; ++block) {
    const float* scale = w.scale.data() + block * kBlock;
    for (int first = 0; first < rows; first += kTile) {
      const int count = std::min(rows - first, kTile);
      switch (count) {
        case 6: tile<6>(a.row(first), a.width, w, block, sums); break;
        case 5: tile<5>(a.row(first), a.width, w, block, sums); break;
        case 4: tile<4>(a.row(first), a.width, w, block, sums); break;
        case 3: tile<3>(a.row(first), a.width, w, block, sums); break;
        case 2: tile<2>(a.row(first), a.width, w, block, sums); break;
        case 1: tile<1>(a.row(first), a.width, w, block, sums); break;
      }
      for (int r = 0; r < count; ++r) {
        __m512 values[4], row_scale = all(a.scale[first + r]);
        for (int j = 0; j < 4; ++j) {
          __m512 sum = _mm512_cvtepi32_ps(_mm512_load_si512(sums + (r * 4 + j) * kLanes));
          values[j] = _mm512_mul_ps(sum, _mm512_mul_ps(row_scale, load(scale + j * kLanes)));
        }
        write(first + r, block, values);
      }
    }
  }
}

// c [kRows, 16 kWide] = a [kRows, depth] times b [depth, 16 kWide].
template <int kRows, int kWide>
__attribute__((noinline)) void float_tile(const float* a, int a_stride, int depth, const float* b, int b_stride, float* c, int c_stride) {
  __m512 sum[kRows][kWide] = {};
  for (int k = 0; k < depth; ++k, b += b_stride) {
    __m512 line[kWide];
#pragma GCC unroll 4
    for (int j = 0; j < kWide; ++j) line[j] = load(b + j * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      __m512 input = all(a[(size_t)r * a_stride + k]);
#pragma GCC unroll 4
      for (int j = 0; j < kWide; ++j) sum[r][j] = _mm512_fmadd_ps(input, line[j], sum[r][j]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kWide; ++j) store(c + (size_t)r * c_stride + j * kLanes, sum[r][j]);
}

// 2 to the x, for x up to 127; relative error about 1e-7.
inline __m512 exp2(__m512 x) {
  __m512 whole = _mm512_roundscale_ps(x, 0), rest = _mm512_sub_ps(x, whole), y = all(1.540353e-4f);
  for (float term : {1.3333558e-3f, 9.6181291e-3f, 5.5504109e-2f, .24022651f, .69314718f, 1.f})
    y = _mm512_fmadd_ps(y, rest, all(term));
  return _mm512_scalef_ps(y, whole);
}

inline __m512 reciprocal(__m512 x) {
  __m512 guess = _mm512_rcp14_ps(x);
  return _mm512_mul_ps(guess, _mm512_fnmadd_ps(guess, x, all(2)));
}

inline __m512 silu(__m512 x) {
  __m512 e = exp2(_mm512_min_ps(_mm512_mul_ps(x, all(-1.44269504f)), all(100)));
  return _mm512_mul_ps(x, reciprocal(_mm512_add_ps(e, all(1))));
}

}  // namespace mundo
