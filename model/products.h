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
  size_t size() const { return lines_.size() * kLanes; }  // in whole registers

 private:
  std::vector<Lane16> lines_;
};

// A linear layer's weights as signed bytes: blocks of 16 `wide` columns (outputs), in them four rows (inputs) at a time.
struct Matrix {
  int rows = 0, columns = 0, wide = 4;  // columns are padded with zeros to whole blocks
  std::vector<Line> packed;
  std::vector<int32_t> start;  // -128 times the sum of a column: the inputs are stored with 128 added
  Floats scale;

  Matrix() = default;
  // `rows` is a multiple of 4; `weight(column, row)` says what stands where.
  Matrix(int outputs, int rows, const std::function<float(int, int)>& weight) : rows(rows) {
    wide = outputs % 64 == 0 ? 4 : outputs % 48 == 0 ? 3 : outputs % 32 == 0 ? 2 : outputs > 48 ? 4 : 1;
    const int block = wide * kLanes;
    columns = (outputs + block - 1) / block * block;
    packed.resize((size_t)columns * rows / 64), start.resize(columns), scale = Floats(columns);
    for (int c = 0; c < outputs; ++c) {
      float largest = 1e-12f;
      for (int r = 0; r < rows; ++r) largest = std::max(largest, std::fabs(weight(c, r)));
      scale.data()[c] = largest / 127;
      for (int r = 0; r < rows; ++r) {
        int value = (int)std::nearbyint(weight(c, r) * (127 / largest));
        start[c] -= 128 * value;
        packed[((size_t)(c / block) * (rows / 4) + r / 4) * wide + c % block / kLanes].bytes[c % kLanes * 4 + r % 4] = value;
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

// What a product reads: rows of bytes that lie `stride` apart. A row is `runs` parts, `apart` from each other, as the
// three lines of a 3x3 window are.
struct Rows {
  const uint8_t* bytes;
  size_t stride;
  const float* scale;  // of each row
  int runs = 1;
  size_t apart = 0;
  Rows(const uint8_t* bytes, size_t stride, const float* scale, int runs, size_t apart)
      : bytes(bytes), stride(stride), scale(scale), runs(runs), apart(apart) {}
  Rows(const Bytes& from) : bytes(from.row(0)), stride(from.width), scale(from.scale.data()) {}
};

// Up to six rows times a block -> sums [kRows, 16 kWide]. Alone in its function, so that all sums stay in registers.
template <int kRows, int kWide>
__attribute__((noinline)) void tile(const Rows& rows, int first, const Matrix& w, int block, int32_t* to) {
  __m512i sum[kRows][kWide];
  const int32_t* start = w.start.data() + block * kWide * kLanes;
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < kWide; ++j) sum[r][j] = _mm512_loadu_si512(start + j * kLanes);
  const Line* line = w.packed.data() + (size_t)block * (w.rows / 4) * kWide;
  for (int run = 0; run < rows.runs; ++run) {
    const uint8_t* a = rows.bytes + first * rows.stride + run * rows.apart;
    for (int k = 0; k < w.rows / rows.runs; k += 4, line += kWide, a += 4) {
      __m512i weight[kWide];
#pragma GCC unroll 4
      for (int j = 0; j < kWide; ++j) weight[j] = _mm512_load_si512(line + j);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        int32_t four;
        std::memcpy(&four, a + r * rows.stride, 4);
        __m512i input = _mm512_set1_epi32(four);
#pragma GCC unroll 4
        for (int j = 0; j < kWide; ++j) sum[r][j] = _mm512_dpbusd_epi32(sum[r][j], input, weight[j]);
      }
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < kWide; ++j) _mm512_store_si512(to + (r * kWide + j) * kLanes, sum[r][j]);
}

template <int kWide>
void tile(int count, const Rows& rows, int first, const Matrix& w, int block, int32_t* to) {
  switch (count) {
    case 6: return tile<6, kWide>(rows, first, w, block, to);
    case 5: return tile<5, kWide>(rows, first, w, block, to);
    case 4: return tile<4, kWide>(rows, first, w, block, to);
    case 3: return tile<3, kWide>(rows, first, w, block, to);
    case 2: return tile<2, kWide>(rows, first, w, block, to);
    case 1: return tile<1, kWide>(rows, first, w, block, to);
  }
}

// For a matrix of blocks of 16 kWide columns; `write(row, block, values)` takes kWide registers.
template <int kWide = 4, typename Write>
inline void product(const Rows& rows, int count, const Matrix& w, const Write& write) {
  alignas(64) int32_t sums[kTile * kWide * kLanes];
  for (int block = 0; block < w.columns / (kWide * kLanes); ++block) {
    const float* scale = w.scale.data() + block * kWide * kLanes;
    for (int first = 0; first < count; first += kTile) {
      const int some = std::min(count - first, kTile);
      tile<kWide>(some, rows, first, w, block, sums);
      for (int r = 0; r < some; ++r) {
        __m512 values[kWide], row_scale = all(rows.scale[first + r]);
        for (int j = 0; j < kWide; ++j) {
          __m512 sum = _mm512_cvtepi32_ps(_mm512_load_si512(sums + (r * kWide + j) * kLanes));
          values[j] = _mm512_mul_ps(sum, _mm512_mul_ps(row_scale, load(scale + j * kLanes)));
        }
        write(first + r, block, values);
      }
    }
  }
}

// For any matrix; `write(row, column, value)` takes one register at a time.
template <typename Write>
inline void product_by_lanes(const Rows& rows, int count, const Matrix& w, const Write& write) {
  auto run = [&](auto wide) {
    constexpr int kWide = decltype(wide)::value;
    product<kWide>(rows, count, w, [&](int r, int block, const __m512* v) {
      for (int j = 0; j < kWide; ++j) write(r, (block * kWide + j) * kLanes, v[j]);
    });
  };
  switch (w.wide) {
    case 4: return run(std::integral_constant<int, 4>());
    case 3: return run(std::integral_constant<int, 3>());
    case 2: return run(std::integral_constant<int, 2>());
    case 1: return run(std::integral_constant<int, 1>());
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
