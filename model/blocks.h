// The parts of a convolutional network in 8-bit integers, channels last: linear maps, residual blocks, 3x3 windows.
// Knows products and a block's three steps; refuses to know which network they make up.
#pragma once
#include "products.h"

namespace mundo {

constexpr int kBand = 9, kChunk = 16;  // rows of an item of shared work; positions that are mixed at a time

struct Linear {
  Matrix matrix;
  Floats bias;
  Linear() = default;
  Linear(int outputs, int inputs, const std::function<float(int, int)>& weight, const std::function<float(int)>& offset)
      : matrix(outputs, inputs, weight), bias(matrix.columns) {
    for (int c = 0; c < outputs; ++c) bias.data()[c] = offset(c);
  }
  __m512 with_bias(int column, __m512 v) const { return _mm512_add_ps(v, load(bias.data() + column)); }
};

// Residual: widen 1x1, mix 3x3 per channel, narrow 1x1.
struct Block {
  Linear widen, narrow;
  Floats taps, tap_bias;  // [9, inner]
  int inner() const { return widen.matrix.columns; }
};

struct Map {
  int height = 0, width = 0, channels = 0, band = kBand;
  Floats values;
  void shape(int h, int w, int c) {
    if (h != height || w != width || c != channels) values = Floats((size_t)h * w * c);
    height = h, width = w, channels = c;
  }
  float* at(int y, int x) { return values.data() + ((size_t)y * width + x) * channels; }
  const float* at(int y, int x) const { return values.data() + ((size_t)y * width + x) * channels; }
  int bands() const { return (height + band - 1) / band; }
};

// What a 3x3 convolution reads: bytes within a border of what stands for zero, one scale for all.
struct Padded {
  int height = 0, width = 0, channels = 0;
  std::vector<uint8_t> bytes;
  std::vector<float> scale;
  void shape(int h, int w, int c, uint8_t zero = 128) {
    if (h == height && w == width && c == channels) return;
    height = h, width = w, channels = c;
    bytes.assign((size_t)(h + 2) * (w + 2) * c, zero), scale.resize(w);
  }
  uint8_t* at(int y, int x) { return bytes.data() + ((size_t)(y + 1) * (width + 2) + x + 1) * channels; }
  Rows windows(int y) {  // of the positions of a row
    return {at(y - 1, -1), (size_t)channels, scale.data(), 3, (size_t)(width + 2) * channels};
  }
  void fill(const Map& from) {
    shape(from.height, from.width, from.channels);
    const int row = width * channels;
    __m512 largest = all(1e-20f);
    for (int i = 0; i < height * row; i += kLanes)
      largest = _mm512_max_ps(largest, _mm512_abs_ps(load(from.values.data() + i)));
    const float top = _mm512_reduce_max_ps(largest);
    scale.assign(width, top / 127);
    for (int y = 0; y < height; ++y)
      for (int i = 0; i < row; i += kLanes) store_bytes(at(y, 0) + i, _mm512_mul_ps(load(from.at(y, 0) + i), all(127 / top)));
  }
};

// What one thread needs beside the maps.
struct Scratch {
  Bytes input, inner;
  Floats ring, mixed;
  Scratch(int width, int channels, int inner)
      : input(width, channels), inner(kChunk, inner), ring((size_t)3 * (width + 2) * inner), mixed((size_t)kChunk * inner) {}
};

// Part of a row of a depthwise 3x3 and its ReLU; the three lines begin at the left neighbour of the first position.
inline void mix(const Block& block, const float* const* lines, int count, float* to) {
  const int inner = block.inner();
  for (int c = 0; c < inner; c += kLanes) {
    __m512 tap[9], left[3], here[3], bias = load(block.tap_bias.data() + c);
    for (int i = 0; i < 9; ++i) tap[i] = load(block.taps.data() + i * inner + c);
    for (int i = 0; i < 3; ++i) left[i] = load(lines[i] + c), here[i] = load(lines[i] + inner + c);
    for (int x = 0; x < count; ++x) {
      __m512 sum = bias;
      for (int i = 0; i < 3; ++i) {
        __m512 right = load(lines[i] + (size_t)(x + 2) * inner + c);
        sum = _mm512_fmadd_ps(left[i], tap[3 * i], sum);
        sum = _mm512_fmadd_ps(here[i], tap[3 * i + 1], sum);
        sum = _mm512_fmadd_ps(right, tap[3 * i + 2], sum);
        left[i] = here[i], here[i] = right;
      }
      store(to + (size_t)x * inner + c, _mm512_max_ps(sum, all(0)));
    }
  }
}

// One band of rows through a block; widened rows pass through a ring of three.
inline void run_block(const Block& block, const Map& from, Map& to, int band, Scratch& s) {
  const int inner = block.inner(), channels = from.channels, width = from.width, stride = (width + 2) * inner;
  const int first = band * from.band, last = std::min(first + from.band, from.height);
  s.input.width = channels, s.inner.width = inner;
  auto line = [&](int y) { return s.ring.data() + (size_t)(y + 3) % 3 * stride; };
  auto widen = [&](int y) {
    float* wide = line(y);
    if (y < 0 || y >= from.height) return (void)std::fill(wide, wide + stride, 0.f);
    std::fill(wide, wide + inner, 0.f), std::fill(wide + stride - inner, wide + stride, 0.f);
    for (int x = 0; x < width; ++x) quantize(from.at(y, x), s.input, x);
    product_by_lanes(s.input, width, block.widen.matrix, [&](int x, int c, __m512 v) {
      store(wide + (size_t)(x + 1) * inner + c, _mm512_max_ps(block.widen.with_bias(c, v), all(0)));
    });
  };
  widen(first - 1), widen(first);
  for (int y = first; y < last; ++y) {
    widen(y + 1);
    for (int x = 0; x < width; x += kChunk) {
      const int count = std::min(kChunk, width - x);
      const size_t skip = (size_t)x * inner;
      const float* lines[3] = {line(y - 1) + skip, line(y) + skip, line(y + 1) + skip};
      mix(block, lines, count, s.mixed.data());
      for (int i = 0; i < count; ++i) quantize(s.mixed.data() + (size_t)i * inner, s.inner, i);
      product_by_lanes(s.inner, count, block.narrow.matrix, [&](int i, int c, __m512 v) {
        store(to.at(y, x + i) + c, _mm512_add_ps(load(from.at(y, x + i) + c), block.narrow.with_bias(c, v)));
      });
    }
  }
}

}  // namespace mundo
