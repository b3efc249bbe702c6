// What the Omni's last layer becomes: clean latents, for the CPU, as `Omni.read` in model/omni.py computes them.
// Knows AVX-512 VNNI, tokens of 2x2 latent cells and the two convolutions over them; refuses to know torch and sampling.
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include <memory>

#include "blocks.h"
#include "stages.h"

namespace {

using namespace mundo;

constexpr int kChannels = 16, kCells = 4, kToken = kChannels * kCells, kShare = kToken;  // a token's latents; where its shares lie
constexpr int kMixed = 64;  // channels that the convolutions read and make; those that do not exist are zero

struct Network {
  int width, rows, columns, view, detail;  // of tokens, of the picture in tokens, of a view token, channels a cell
  Floats gain;
  Linear heads, mix, out;
  Floats proposed, trust;  // [tokens, 64], of one call
  Map cells, mixed;
  Padded before, between;
  int tokens() const { return rows * columns; }
};

inline __m512 sigmoid(__m512 x) {
  __m512 e = exp2(_mm512_min_ps(_mm512_mul_ps(x, all(-1.44269504f)), all(100)));
  return reciprocal(_mm512_add_ps(e, all(1)));
}

// A token's four shares, for its latents in the order (channel, cell).
inline __m512 shares(const float* view) { return _mm512_broadcast_f32x4(_mm_loadu_ps(view + kShare)); }

// A row of tokens: what the heads propose, and what the convolutions read.
void propose(Network& net, const float* x, const float* view, int row, float* mean_trust) {
  Bytes bytes(net.columns, net.width);
  const int columns = net.heads.matrix.columns;
  Floats said((size_t)net.columns * columns);
  for (int i = 0; i < net.columns; ++i)
    quantize_normed(x + (size_t)(row * net.columns + i) * net.width, net.gain.data(), bytes, i);
  product_by_lanes(bytes, net.columns, net.heads.matrix, [&](int i, int c, __m512 v) {
    store(said.data() + (size_t)i * columns + c, net.heads.with_bias(c, v));
  });
  for (int i = 0; i < net.columns; ++i) {
    const int token = row * net.columns + i;
    const float *from = said.data() + (size_t)i * columns, *seen = view + (size_t)token * net.view;
    float *to = net.proposed.data() + (size_t)token * kToken, *trust = net.trust.data() + (size_t)token * kToken;
    const __m512 share = shares(seen);
    for (int c = 0; c < kToken; c += kLanes) {
      __m512 known = _mm512_mul_ps(load(seen + c), share);
      store(to + c, _mm512_fmadd_ps(sigmoid(load(from + kToken + c)), known, load(from + c)));
      store(trust + c, _mm512_mul_ps(sigmoid(load(from + 2 * kToken + c)), share));
    }
    for (int cell = 0; cell < kCells; ++cell) {
      float sum = 0;
      for (int c = 0; c < kChannels; ++c) sum += trust[c * kCells + cell];
      mean_trust[token * kCells + cell] = sum / kChannels;
      float* at = net.cells.at(2 * row + cell / 2, 2 * i + cell % 2);
      for (int c = 0; c < kChannels; ++c)
        at[c] = to[c * kCells + cell], at[kChannels + c] = seen[c * kCells + cell];
      at[2 * kChannels] = seen[kShare + cell];
      for (int c = 0; c < net.detail; ++c) at[2 * kChannels + 1 + c] = from[3 * kToken + c * kCells + cell];
    }
  }
}

// A row of cells: the correction, then as much of what is known as is trusted.
void correct(Network& net, const float* view, float* clean, int y) {
  alignas(64) float row[kMixed * 64];
  const int outputs = net.out.matrix.columns;
  product_by_lanes(net.between.windows(y), net.mixed.width, net.out.matrix,
                   [&](int x, int c, __m512 v) { store(row + x * outputs + c, net.out.with_bias(c, v)); });
  for (int x = 0; x < net.mixed.width; ++x) {
    const int token = y / 2 * net.columns + x / 2, cell = y % 2 * 2 + x % 2;
    const float* seen = view + (size_t)token * net.view;
    for (int c = 0; c < kChannels; ++c) {
      const int i = c * kCells + cell;
      const float proposed = net.proposed.data()[token * kToken + i] + row[x * outputs + c];
      clean[token * kToken + i] = proposed + (seen[i] - proposed) * net.trust.data()[token * kToken + i];
    }
  }
}

Linear windowed(int outputs, int channels, const float* weight, const float* bias) {  // rows are (line, column, channel)
  auto from = [=](int c, int r) {
    const int channel = r % kMixed;
    return channel < channels ? weight[((size_t)c * channels + channel) * 9 + r / kMixed] : 0.f;
  };
  return {outputs, 9 * kMixed, from, [=](int c) { return bias[c]; }};
}

}  // namespace

extern "C" int reading_supported() { return 1; }

// sizes: width, rows and columns of tokens, width of a view token, detail channels. tensors: gain of the norm; weight and
// bias of the heads (proposal, keep, trust, detail), of the first convolution, of the second.
extern "C" void* reading_create(const int* sizes, const float* const* tensors) {
  auto net = std::make_unique<Network>();
  net->width = sizes[0], net->rows = sizes[1], net->columns = sizes[2], net->view = sizes[3], net->detail = sizes[4];
  const int width = net->width, tokens = net->tokens();
  net->gain = Floats(tensors[0], width);
  net->heads = Linear(3 * kToken + kCells * net->detail, width,
                      [=](int c, int r) { return tensors[1][(size_t)c * width + r]; }, [=](int c) { return tensors[2][c]; });
  net->mix = windowed(kMixed, 2 * kChannels + 1 + net->detail, tensors[3], tensors[4]);
  net->out = windowed(kChannels, kMixed, tensors[5], tensors[6]);
  net->proposed = Floats((size_t)tokens * kToken), net->trust = Floats((size_t)tokens * kToken);
  net->cells.shape(2 * net->rows, 2 * net->columns, kMixed), net->mixed.shape(2 * net->rows, 2 * net->columns, kMixed);
  std::fill_n(net->cells.values.data(), (size_t)kCells * tokens * kMixed, 0.f);
  return net.release();
}

extern "C" void reading_destroy(void* net) { delete static_cast<Network*>(net); }

// x [tokens, width] and view [tokens, view width] -> clean [tokens, 64] and mean trust [tokens, 4].
extern "C" void reading_read(void* network, const float* x, const float* view, float* clean, float* trust, int threads) {
  Network& net = *static_cast<Network*>(network);
  const int lines = net.cells.height;
  in_stages({net.rows, 1, lines, 1, lines}, threads, [&] {
    return [&](int stage, int i) {
      if (stage == 0) propose(net, x, view, i, trust);
      else if (stage == 1) net.before.fill(net.cells);
      else if (stage == 2)
        product_by_lanes(net.before.windows(i), net.mixed.width, net.mix.matrix, [&](int at, int c, __m512 v) {
          store(net.mixed.at(i, at) + c, silu(net.mix.with_bias(c, v)));
        });
      else if (stage == 3) net.between.fill(net.mixed);
      else correct(net, view, clean, i);
    };
  });
}

#else
extern "C" int reading_supported() { return 0; }
#endif
