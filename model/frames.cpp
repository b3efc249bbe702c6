// The frame tokenizer for the CPU: what model/tokenizer/frame.py computes, in 8-bit integers that find their own scales.
// Knows AVX-512 VNNI and the tokenizer's layers; refuses to know torch, training and files.
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include <memory>

#include "blocks.h"
#include "stages.h"

namespace {

using namespace mundo;

constexpr int kPatch = 4, kPlanes = 7, kCells = kPatch * kPatch, kPatched = kPlanes * kCells;
constexpr float kBound = 3;  // of latents

struct Half {
  int fine, coarse;  // channels
  Linear stem, between, out;
  std::vector<Block> blocks[2];  // fine and coarse ones
  std::vector<int32_t> fold;     // where the shortcut between the resolutions reads from
  Map maps[2][2];                // fine and coarse, of one call; blocks go from one to the other
  Padded entry, exit;            // what the stem and the last convolution read
};

struct Network {
  int latents;
  Half encoder, decoder;
};

using Work = std::function<void(int, Scratch&)>;
struct Plan {
  std::vector<int> items;
  std::vector<Work> work;
  void add(int count, Work stage) { items.push_back(count), work.push_back(std::move(stage)); }
  // The blocks of a resolution; returns the map that holds the result.
  Map& add_blocks(Half& half, int which) {
    Map *from = &half.maps[which][0], *to = &half.maps[which][1];
    for (const Block& block : half.blocks[which]) {
      add(from->bands(), [&block, from, to](int band, Scratch& s) { run_block(block, *from, *to, band, s); });
      std::swap(from, to);
    }
    return *from;
  }
  void run(const Half& half, int threads) const {
    int inner = 4 * half.fine;
    for (const auto& blocks : half.blocks)
      for (const Block& block : blocks) inner = std::max(inner, block.inner());
    const int width = half.maps[0][0].width, channels = std::max(half.coarse, 4 * half.fine);
    in_stages(items, threads, [&] {
      return [&, scratch = std::make_unique<Scratch>(width, channels, inner)](int stage, int item) {
        work[stage](item, *scratch);
      };
    });
  }
};

// Each band begins with rows that the one before it has widened too, so who works alone takes all as one.
void shape(Half& half, int height, int width, int threads) {
  for (int i = 0; i < 2; ++i) {
    half.maps[0][i].shape(2 * height, 2 * width, half.fine);
    half.maps[1][i].shape(height, width, half.coarse);
    for (auto& maps : half.maps) maps[i].band = threads > 1 ? kBand : maps[i].height;
  }
}

template <typename Each>
void rows_of(const Map& map, int band, const Each& each) {
  for (int y = band * map.band; y < std::min((band + 1) * map.band, map.height); ++y) each(y);
}

inline __m512 gather(const float* from, const int32_t* index) {
  return _mm512_i32gather_ps(_mm512_loadu_si512(index), from, 4);
}

// --- encoding ------------------------------------------------------------------------------------

// A row of patches of planes in [-1, 1], as bytes.
void read_planes(const float* planes, Padded& to, int y) {
  const int width = to.width * kPatch;
  const size_t size = (size_t)to.height * kPatch * width;
  alignas(16) uint8_t four[kLanes];
  for (int c = 0; c < kPlanes; ++c)
    for (int i = 0; i < kPatch; ++i)
      for (int x = 0; x < width; x += kLanes) {
        __m512 v = load(planes + c * size + (size_t)(y * kPatch + i) * width + x);
        store_bytes(four, _mm512_mul_ps(_mm512_min_ps(_mm512_max_ps(v, all(-1)), all(1)), all(127)));
        for (int j = 0; j < 4; ++j) std::memcpy(to.at(y, x / kPatch + j) + c * kCells + i * kPatch, four + 4 * j, 4);
      }
}

// 2x2 fine positions to a coarse one, with the shortcut that averages neighbouring channels.
void fold_down(const Half& half, const Map& from, Map& to, int y, Scratch& s) {
  const int joined = 4 * half.fine, ratio = joined / half.coarse;
  s.input.width = joined;
  for (int x = 0; x < to.width; x += kChunk) {
    const int count = std::min(kChunk, to.width - x);
    for (int i = 0; i < count; ++i) {
      float* row = s.mixed.data() + (size_t)i * joined;
      for (int d = 0; d < 4; ++d)
        std::memcpy(row + d * half.fine, from.at(2 * y + d / 2, 2 * (x + i) + d % 2), half.fine * sizeof(float));
      quantize(row, s.input, i);
    }
    product_by_lanes(s.input, count, half.between.matrix, [&](int i, int c, __m512 v) {
      __m512 sum = all(0);
      for (int part = 0; part < ratio; ++part)
        sum = _mm512_add_ps(sum, gather(s.mixed.data() + (size_t)i * joined, half.fold.data() + part * half.coarse + c));
      store(to.at(y, x + i) + c, _mm512_fmadd_ps(sum, all(1.f / ratio), half.between.with_bias(c, v)));
    });
  }
}

void write_latents(Half& half, const Map& from, float* latents, int channels, int y, Scratch& s) {
  float* row = s.mixed.data();
  product_by_lanes(half.exit.windows(y), from.width, half.out.matrix,
                   [&](int x, int c, __m512 v) { store(row + x * channels + c, half.out.with_bias(c, v)); });
  const int ratio = from.channels / channels;
  for (int x = 0; x < from.width; ++x)
    for (int c = 0; c < channels; ++c) {
      const float* part = from.at(y, x) + c * ratio;
      float sum = 0;
      for (int i = 0; i < ratio; ++i) sum += part[i];
      const float value = row[x * channels + c] + sum / ratio;
      latents[((size_t)c * from.height + y) * from.width + x] = kBound * std::tanh(value / kBound);
    }
}

// --- decoding ------------------------------------------------------------------------------------

// Latents [C, h, w] to the coarse map; each channel's shortcut goes to several.
void read_latents(Half& half, const float* latents, int y) {
  Map& to = half.maps[1][0];
  product_by_lanes(half.entry.windows(y), to.width, half.stem.matrix, [&](int x, int c, __m512 v) {
    __m512 before = gather(latents + (size_t)y * to.width + x, half.fold.data() + 4 * half.fine + c);
    store(to.at(y, x) + c, _mm512_add_ps(half.stem.with_bias(c, v), before));
  });
}

// A coarse position to 2x2 fine ones.
void unfold_up(const Half& half, const Map& from, Map& to, int y, Scratch& s) {
  s.input.width = half.coarse;
  for (int x = 0; x < from.width; ++x) quantize(from.at(y, x), s.input, x);
  product_by_lanes(s.input, from.width, half.between.matrix, [&](int x, int column, __m512 v) {
    const int d = column / half.fine, c = column % half.fine;
    __m512 before = gather(from.at(y, x), half.fold.data() + column);
    store(to.at(2 * y + d / 2, 2 * x + d % 2) + c, _mm512_add_ps(half.between.with_bias(column, v), before));
  });
}

struct Picture {
  float* planes;
  uint8_t *y, *u, *v;
};

void write_planes(Half& half, const Map& from, const Picture& to, int y) {
  const int width = from.width * kPatch;
  const size_t size = (size_t)from.height * kPatch * width;
  product_by_lanes(half.exit.windows(y), from.width, half.out.matrix, [&](int x, int column, __m512 v) {
    if (column >= kPatched) return;
    v = _mm512_min_ps(_mm512_max_ps(half.out.with_bias(column, v), all(-1)), all(1));
    float* first = to.planes + column / kCells * size + (size_t)y * kPatch * width + x * kPatch;
    _mm_storeu_ps(first, _mm512_castps512_ps128(v));
    _mm_storeu_ps(first + width, _mm512_extractf32x4_ps(v, 1));
    _mm_storeu_ps(first + 2 * width, _mm512_extractf32x4_ps(v, 2));
    _mm_storeu_ps(first + 3 * width, _mm512_extractf32x4_ps(v, 3));
  });
}

inline __m512i level(const float* plane, float scale, float zero) {
  return _mm512_cvtps_epi32(_mm512_fmadd_ps(load(plane), all(scale), all(zero)));
}

// Limited range bytes of some rows of planes in [-1, 1].
void write_bytes(const Picture& to, int width, size_t size, int first, int last) {
  for (int row = first; row < last; ++row)
    for (int x = 0; x < width; x += kLanes) {
      const float* at = to.planes + (size_t)row * width + x;
      for (int dy = 0; dy < 2; ++dy) {
        __m512i even = level(at + 2 * dy * size, 109.5f, 125.5f), odd = level(at + (2 * dy + 1) * size, 109.5f, 125.5f);
        __m512i both = _mm512_or_si512(even, _mm512_slli_epi32(odd, 8));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.y + (size_t)(2 * row + dy) * 2 * width + 2 * x),
                            _mm512_cvtepi32_epi16(both));
      }
      for (int c = 0; c < 2; ++c)
        _mm_storeu_si128(reinterpret_cast<__m128i*>((c ? to.v : to.u) + (size_t)row * width + x),
                         _mm512_cvtepi32_epi8(level(at + (4 + c) * size, 112, 128)));
    }
}

// --- making --------------------------------------------------------------------------------------

// Takes weights and biases in the order of the modules.
struct Reader {
  const float* const* next;
  Linear plain(int outputs, int inputs) {
    const float *weight = *next++, *bias = *next++;
    return {outputs, inputs, [=](int c, int r) { return weight[(size_t)c * inputs + r]; }, [=](int c) { return bias[c]; }};
  }
  Linear windowed(int outputs, int channels) {  // 3x3: rows are (line, column, channel)
    const float *weight = *next++, *bias = *next++;
    auto from = [=](int c, int r) { return weight[((size_t)c * channels + r % channels) * 9 + r / channels]; };
    return {outputs, 9 * channels, from, [=](int c) { return bias[c]; }};
  }
  // Rows, or columns, are (line, column, channel) of 2x2 fine positions; the weights have (channel, line, column).
  Linear down(int outputs, int fine) {
    const float *weight = *next++, *bias = *next++;
    auto from = [=](int c, int r) { return weight[(size_t)c * 4 * fine + r % fine * 4 + r / fine]; };
    return {outputs, 4 * fine, from, [=](int c) { return bias[c]; }};
  }
  Linear up(int fine, int inputs) {
    const float *weight = *next++, *bias = *next++;
    auto channel = [=](int c) { return c % fine * 4 + c / fine; };
    return {4 * fine, inputs, [=](int c, int r) { return weight[(size_t)channel(c) * inputs + r]; },
            [=](int c) { return bias[channel(c)]; }};
  }
  std::vector<Block> blocks(int count, int channels) {
    std::vector<Block> made;
    for (int i = 0; i < count; ++i) {
      const int inner = 3 * channels;
      Block block;
      block.widen = plain(inner, channels);
      const float *taps = *next++, *bias = *next++;
      block.taps = Floats((size_t)9 * inner), block.tap_bias = Floats(bias, inner);
      for (int c = 0; c < inner; ++c)
        for (int t = 0; t < 9; ++t) block.taps.data()[t * inner + c] = taps[c * 9 + t];
      block.narrow = plain(channels, inner);
      made.push_back(std::move(block));
    }
    return made;
  }
};

}  // namespace

extern "C" int frames_supported() { return 1; }

// sizes: latent channels; fine and coarse channels, then fine and coarse blocks, of the encoder and of the decoder.
extern "C" void* frames_create(const int* sizes, const float* const* tensors) {
  auto net = std::make_unique<Network>();
  Reader read{tensors};
  net->latents = sizes[0];
  Half &in = net->encoder, &out = net->decoder;
  in.fine = sizes[1], in.coarse = sizes[2], out.fine = sizes[5], out.coarse = sizes[6];
  in.stem = read.windowed(in.fine, kPatched);
  in.blocks[0] = read.blocks(sizes[3], in.fine);
  in.between = read.down(in.coarse, in.fine);
  in.blocks[1] = read.blocks(sizes[4], in.coarse);
  in.out = read.windowed(net->latents, in.coarse);
  const int merged = 4 * in.fine / in.coarse, split = 4 * out.fine / out.coarse;
  for (int part = 0; part < merged; ++part)
    for (int c = 0; c < in.coarse; ++c) in.fold.push_back((c * merged + part) % 4 * in.fine + (c * merged + part) / 4);
  out.stem = read.windowed(out.coarse, net->latents);
  out.blocks[1] = read.blocks(sizes[8], out.coarse);
  out.between = read.up(out.fine, out.coarse);
  out.blocks[0] = read.blocks(sizes[7], out.fine);
  out.out = read.windowed(kPatched, out.fine);
  for (int c = 0; c < 4 * out.fine; ++c) out.fold.push_back((c % out.fine * 4 + c / out.fine) / split);
  return net.release();
}

extern "C" void frames_destroy(void* net) { delete static_cast<Network*>(net); }

// planes [7, 8h, 8w] -> latents [C, h, w].
extern "C" void frames_encode(void* network, const float* planes, float* latents, int height, int width, int threads) {
  Network& net = *static_cast<Network*>(network);
  Half& half = net.encoder;
  shape(half, height, width, threads);
  Map &fine = half.maps[0][0], &coarse = half.maps[1][0];
  Plan plan;
  plan.add(1, [&](int, Scratch&) {
    half.entry.shape(fine.height, fine.width, kPatched);
    half.entry.scale.assign(fine.width, 1.f / 127);
    for (int y = 0; y < fine.height; ++y) read_planes(planes, half.entry, y);
  });
  plan.add(fine.bands(), [&](int band, Scratch&) {
    rows_of(fine, band, [&](int y) {
      product_by_lanes(half.entry.windows(y), fine.width, half.stem.matrix,
                       [&](int x, int c, __m512 v) { store(fine.at(y, x) + c, half.stem.with_bias(c, v)); });
    });
  });
  const Map& refined = plan.add_blocks(half, 0);
  plan.add(coarse.bands(), [&](int band, Scratch& s) {
    rows_of(coarse, band, [&](int y) { fold_down(half, refined, coarse, y, s); });
  });
  const Map& last = plan.add_blocks(half, 1);
  plan.add(1, [&](int, Scratch&) { half.exit.fill(last); });
  plan.add(coarse.bands(), [&](int band, Scratch& s) {
    rows_of(coarse, band, [&](int y) { write_latents(half, last, latents, net.latents, y, s); });
  });
  plan.run(half, threads);
}

// latents [C, h, w] -> planes [7, 8h, 8w] in [-1, 1] and their bytes y [16h, 16w], u and v [8h, 8w].
extern "C" void frames_decode(void* network, const float* latents, float* planes, uint8_t* y, uint8_t* u, uint8_t* v,
                              int height, int width, int threads) {
  Network& net = *static_cast<Network*>(network);
  Half& half = net.decoder;
  shape(half, height, width, threads);
  Map &fine = half.maps[0][0], &coarse = half.maps[1][0];
  const int channels = net.latents, cells = height * width;
  half.fold.resize(4 * half.fine);
  for (int c = 0; c < half.coarse; ++c) half.fold.push_back(c / (half.coarse / channels) * cells);
  const Picture picture{planes, y, u, v};
  Plan plan;
  plan.add(1, [&](int, Scratch&) {
    Map last;
    last.shape(height, width, channels);
    for (int i = 0; i < channels * cells; ++i) last.values.data()[i % cells * channels + i / cells] = latents[i];
    half.entry.fill(last);
  });
  plan.add(coarse.bands(), [&](int band, Scratch&) { rows_of(coarse, band, [&](int y) { read_latents(half, latents, y); }); });
  const Map& refined = plan.add_blocks(half, 1);
  plan.add(coarse.bands(), [&](int band, Scratch& s) {
    rows_of(coarse, band, [&](int y) { unfold_up(half, refined, fine, y, s); });
  });
  const Map& last = plan.add_blocks(half, 0);
  plan.add(1, [&](int, Scratch&) { half.exit.fill(last); });
  plan.add(fine.bands(), [&](int band, Scratch&) {
    rows_of(fine, band, [&](int y) {
      write_planes(half, last, picture, y);
      write_bytes(picture, fine.width * kPatch, (size_t)fine.height * fine.width * kCells, y * kPatch, (y + 1) * kPatch);
    });
  });
  plan.run(half, threads);
}

// Planes [7, 8h, 8w] -> their bytes y [16h, 16w], u and v [8h, 8w].
extern "C" void frames_bytes(void*, float* planes, uint8_t* y, uint8_t* u, uint8_t* v, int height, int width, int) {
  const int rows = height * 2 * kPatch, columns = width * 2 * kPatch;
  write_bytes({planes, y, u, v}, columns, (size_t)rows * columns, 0, rows);
}

#else
extern "C" int frames_supported() { return 0; }
#endif
