// The ladder's upper rungs for the CPU: what model/ladder/network.py computes, in 8-bit integers of fixed scales.
// Knows AVX-512 VNNI and that network's layers; refuses to know torch, training and files.
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include "blocks.h"
#include "stages.h"

namespace {

using namespace mundo;

constexpr int kGiven = 6, kEntry = 8;  // channels, and bytes of a position: four of luma, one of each chroma, two of nothing
constexpr float kSpan = 128;           // bytes that the network calls 1
constexpr int kScales[] = {2, 4};

struct Layer {
  Linear linear;
  float top = 0;  // its bytes 0 to 255 say 0 to this
};

struct Network {
  Layer stem;
  std::vector<Layer> trunk;
  Linear heads[2];
  Padded entry, maps[2];
};

// --- the trunk -----------------------------------------------------------------------------------

// The positions of a row, as the first layer reads them: each without its mean over 3x3 positions, edges repeated.
void read_bytes(const uint8_t* const* given, Padded& to, int row) {
  const int width = to.width, height = to.height;
  auto at = [](int i, int count) { return std::clamp(i, 0, count - 1); };
  std::vector<int> sums[3];  // over three positions of a column
  for (int p = 0; p < 3; ++p) sums[p].assign(width, 0);
  for (int i = -1; i <= 1; ++i) {
    const int r = at(row + i, height);
    const uint8_t* y = given[0] + (size_t)4 * r * width;
    const uint8_t *u = given[1] + (size_t)r * width, *v = given[2] + (size_t)r * width;
    for (int x = 0; x < width; ++x) {
      sums[0][x] += y[2 * x] + y[2 * x + 1] + y[2 * x + 2 * width] + y[2 * x + 2 * width + 1];
      sums[1][x] += u[x], sums[2][x] += v[x];
    }
  }
  const uint8_t* y = given[0] + (size_t)4 * row * width;
  uint8_t* out = to.at(row, 0);
  for (int x = 0; x < width; ++x, out += kEntry) {
    int mean[3];
    for (int p = 0; p < 3; ++p) {
      const int count = p ? 9 : 36;
      mean[p] = (sums[p][at(x - 1, width)] + sums[p][x] + sums[p][at(x + 1, width)] + count / 2) / count;
    }
    auto put = [&](int channel, int byte, int p) { out[channel] = std::clamp(byte - mean[p] + 128, 0, 255); };
    put(0, y[2 * x], 0), put(1, y[2 * x + 1], 0);
    put(2, y[2 * x + 2 * width], 0), put(3, y[2 * x + 2 * width + 1], 0);
    for (int p = 1; p < 3; ++p) put(3 + p, given[p][(size_t)row * width + x], p);
  }
}

// A row through a 3x3 convolution and its ReLU, to bytes.
void run_layer(const Layer& layer, Padded& from, Padded& to, int row) {
  const __m512 scale = all(255 / layer.top);
  product_by_lanes(from.windows(row), from.width, layer.linear.matrix, [&](int x, int c, __m512 v) {
    v = _mm512_max_ps(_mm512_mul_ps(layer.linear.with_bias(c, v), scale), all(0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to.at(row, x) + c), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(v)));
  });
}

// --- enlarging -----------------------------------------------------------------------------------

struct Plane {
  const uint8_t* from;
  uint8_t* to;
  int height, width, low, high;  // of `from`; the range of what is written
};

// Keys' cubic with a = -1/2: the weights of the four neighbours of a point `t` beyond the second one.
void cubic(float t, float* w) {
  w[0] = ((-.5f * t + 1) * t - .5f) * t, w[1] = (1.5f * t - 2.5f) * t * t + 1;
  w[2] = ((-1.5f * t + 2) * t + .5f) * t, w[3] = (.5f * t - .5f) * t * t;
}

// What a pixel's part `p` of `scale` reads: the first neighbour's offset (-2 or -1), and the weights of four.
struct Phase {
  int first;
  float weights[4];
  Phase(int p, int scale) {
    const float offset = (p + .5f) / scale - .5f;
    first = offset < 0 ? -2 : -1;
    cubic(offset < 0 ? offset + 1 : offset, weights);
  }
};

constexpr int kEdge = 2;  // of pixels repeated beside a line

// A line between the lines of a plane, with its edges repeated.
template <int kScale>
void between_lines(const Plane& plane, int row, float* line) {
  const Phase phase(row % kScale, kScale);
  const uint8_t* taken[4];
  for (int i = 0; i < 4; ++i)
    taken[i] = plane.from + (size_t)std::clamp(row / kScale + phase.first + i, 0, plane.height - 1) * plane.width;
  float* to = line + kEdge;
  for (int x = 0; x < plane.width; x += kLanes) {
    __m512 sum = all(0);
    for (int i = 0; i < 4; ++i) {
      __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(taken[i] + x)));
      sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(bytes), all(phase.weights[i]), sum);
    }
    store(to + x, sum);
  }
  for (int i = 0; i < kEdge; ++i) line[i] = to[0], to[plane.width + i] = to[plane.width - 1];
}

// 16 times kScale signed bytes, as 16 lanes that hold kScale of them each.
template <int kScale>
inline __m512i load_lacks(const int8_t* lacks) {
  if constexpr (kScale == 4) return _mm512_loadu_si512(lacks);
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(lacks)));
}

// A line of the enlarged plane: the cubic and what it lacks.
template <int kScale>
void write_line(const Plane& plane, int row, float* line, const int8_t* lacks) {
  constexpr int kBits = 32 / kScale;  // of a part in its lane
  between_lines<kScale>(plane, row, line);
  const Phase phases[4] = {{0, kScale}, {1, kScale}, {2 % kScale, kScale}, {3 % kScale, kScale}};
  const __m512i low = _mm512_set1_epi32(plane.low), high = _mm512_set1_epi32(plane.high);
  uint8_t* to = plane.to + (size_t)row * kScale * plane.width;
  for (int x = 0; x < plane.width; x += kLanes) {
    __m512 near[5];
    for (int i = 0; i < 5; ++i) near[i] = load(line + x + i);
    const __m512i lacking = load_lacks<kScale>(lacks + x * kScale);
    __m512i out = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (int p = 0; p < kScale; ++p) {
      const int first = phases[p].first + 2;
      __m512 sum = _mm512_mul_ps(near[first], all(phases[p].weights[0]));
      for (int i = 1; i < 4; ++i) sum = _mm512_fmadd_ps(near[first + i], all(phases[p].weights[i]), sum);
      __m512i part = _mm512_srai_epi32(_mm512_slli_epi32(lacking, 32 - kBits * (p + 1)), 32 - kBits);
      part = _mm512_min_epi32(_mm512_max_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(sum), part), low), high);
      out = _mm512_or_si512(out, _mm512_slli_epi32(part, 8 * p));
    }
    if constexpr (kScale == 4)
      _mm512_storeu_si512(to + x * kScale, out);
    else
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + x * kScale), _mm512_cvtepi32_epi16(out));
  }
}

// What one thread needs: a line of floats, and what the lines of a row of positions lack, of y, u and v.
struct Lines {
  Floats line;
  std::vector<int8_t> lacks[3];
  Lines(int width, int scale) : line(2 * width + 2 * kEdge + kLanes) {
    const size_t chroma = (size_t)scale * scale * width;
    lacks[0].resize(4 * chroma), lacks[1].resize(chroma), lacks[2].resize(chroma);
  }
};

template <int kCount>  // of bytes of a line that one position has
inline void scatter(__m128i bytes, int from, int rows, int8_t* to, size_t stride) {
  alignas(16) int8_t values[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(values), bytes);
  for (int i = 0; i < rows; ++i) std::memcpy(to + i * stride, values + from + i * kCount, kCount);
}

// A row of positions through the head, and the lines that belong to it.
template <int kScale>
void draw_row(const Linear& head, Padded& from, const Plane* planes, int row, Lines& s) {
  const size_t chroma = (size_t)kScale * from.width;
  product_by_lanes(from.windows(row), from.width, head.matrix, [&](int x, int c, __m512 v) {
    __m128i bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(head.with_bias(c, v), all(kSpan))));
    constexpr int kLuma = 4 * kScale * kScale, kRows = kLanes / (2 * kScale);
    const int at = kScale * x;
    if (c < kLuma)
      return scatter<2 * kScale>(bytes, 0, kRows, s.lacks[0].data() + c / (2 * kScale) * 2 * chroma + 2 * at, 2 * chroma);
    if constexpr (kScale == 4) {
      scatter<kScale>(bytes, 0, kScale, s.lacks[c == kLuma ? 1 : 2].data() + at, chroma);
    } else {
      scatter<kScale>(bytes, 0, kScale, s.lacks[1].data() + at, chroma);
      scatter<kScale>(bytes, kScale * kScale, kScale, s.lacks[2].data() + at, chroma);
    }
  });
  for (int p = 0; p < 3; ++p) {
    const int lines = kScale * (p ? 1 : 2), wide = kScale * planes[p].width;
    for (int i = 0; i < lines; ++i) write_line<kScale>(planes[p], row * lines + i, s.line.data(), s.lacks[p].data() + (size_t)i * wide);
  }
}

// --- making --------------------------------------------------------------------------------------

// A 3x3 convolution that reads bytes of `step` each: rows are (line, column, channel), of `padded` channels.
Linear windowed(const float* weight, const float* bias, int outputs, int wanted, int channels, int padded, float step) {
  auto from = [=](int c, int r) {
    const int channel = r % padded;
    return c < outputs && channel < channels ? weight[((size_t)c * channels + channel) * 9 + r / padded] : 0.f;
  };
  Linear made(wanted, 9 * padded, from, [=](int c) { return c < outputs ? bias[c] : 0.f; });
  for (int c = 0; c < made.matrix.columns; ++c) made.matrix.scale.data()[c] *= step;
  return made;
}

// What follows a ReLU is bytes from 0 on, and not around 128.
Linear from_zero(Linear linear) {
  std::fill(linear.matrix.start.begin(), linear.matrix.start.end(), 0);
  return linear;
}

}  // namespace

extern "C" int ladder_supported() { return 1; }

// sizes: channels and layers of the trunk; tops: what the stem and each layer write at most.
extern "C" void* ladder_create(const int* sizes, const float* tops, const float* const* tensors) {
  auto net = std::make_unique<Network>();
  const int channels = sizes[0];
  auto next = [&](int outputs, int inputs, int padded, float step) {
    const float *weight = *tensors++, *bias = *tensors++;
    return windowed(weight, bias, outputs, (outputs + 31) / 32 * 32, inputs, padded, step);
  };
  net->stem = {next(channels, kGiven, kEntry, 1 / kSpan), *tops};
  for (int i = 0; i < sizes[1]; ++i, ++tops)
    net->trunk.push_back({from_zero(next(channels, channels, channels, tops[0] / 255)), tops[1]});
  for (int i = 0; i < 2; ++i)
    net->heads[i] = from_zero(next(kGiven * kScales[i] * kScales[i], channels, channels, tops[0] / 255));
  return net.release();
}

extern "C" void ladder_destroy(void* net) { delete static_cast<Network*>(net); }

// given: y [2h, 2w], u and v [h, w]; drawn: the same `scale` (2 or 4) times as high and wide. w is a multiple of 16.
extern "C" void ladder_enlarge(void* network, const uint8_t* const* given, uint8_t* const* drawn, int scale, int height,
                               int width, int threads) {
  Network& net = *static_cast<Network*>(network);
  const int channels = net.trunk[0].linear.matrix.columns;
  net.entry.shape(height, width, kEntry);
  for (Padded& map : net.maps) map.shape(height, width, channels, 0), map.scale.assign(width, 1);
  net.entry.scale.assign(width, 1);
  Plane planes[3];
  for (int p = 0; p < 3; ++p) {
    const int times = p ? 1 : 2;
    planes[p] = {given[p], drawn[p], times * height, times * width, 16, p ? 240 : 235};
  }
  const int bands = (height + kBand - 1) / kBand, layers = 1 + (int)net.trunk.size();
  auto work = [&](int stage, int band, Lines& s) {
    const int last = std::min((band + 1) * kBand, height);
    for (int row = band * kBand; row < last; ++row) {
      if (stage == 0) {
        read_bytes(given, net.entry, row);
      } else if (stage <= layers) {
        const Layer& layer = stage == 1 ? net.stem : net.trunk[stage - 2];
        run_layer(layer, stage == 1 ? net.entry : net.maps[stage % 2], net.maps[1 - stage % 2], row);
      } else if (scale == kScales[0]) {
        draw_row<2>(net.heads[0], net.maps[stage % 2], planes, row, s);
      } else {
        draw_row<4>(net.heads[1], net.maps[stage % 2], planes, row, s);
      }
    }
  };
  in_stages(std::vector<int>(layers + 2, bands), threads, [&] {
    return [&, scratch = std::make_unique<Lines>(width, scale)](int stage, int item) { work(stage, item, *scratch); };
  });
}
#else
extern "C" int ladder_supported() { return 0; }
#endif
