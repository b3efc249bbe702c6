// Reprojection for the CPU: what model/reprojection.py's `warp` computes, ten times faster.
// Knows batches of frames; refuses to know torch, poses and files.
#include "stages.h"
#include "warp.h"

namespace {

using namespace mundo;

constexpr int kRows = 16;

struct Target {
  float *planes, *mask;
  int channels;
};

void fill_row(const Warp& warp, const Target& target, int y, Row& r) {
  const Source& f = warp.source;
  const int n = f.cells();
  float *out = target.planes + y * f.width, *mask = target.mask + y * f.width;
  for (int c = 0; c < target.channels; ++c) std::fill(out + c * n, out + c * n + f.width, 0.f);
  std::fill(mask, mask + f.width, 0.f);
  const auto [from, to] = reached(warp, y);
  look(warp, y, from, to, r);
  for (int x = from; x < to; ++x) {
    mask[x] = r.agree[x] ? 1.f : 0.f;
    out[6 * n + x] = r.agree[x] ? depth_plane(r.distance[x]) : 0.f;
  }
  auto there = [&](int x) { return r.agree[x] != 0; };
  find_own(warp, y, from, to, r, there);
  for (int c = 4; c < target.channels; ++c) {
    if (c == 6) continue;
    if (c < 6)
      r.chroma(f.planes + c * n, f, from, to, out + c * n);
    else
      r.bilinear(f.planes + c * n, f, from, to, out + c * n);
    for (int x = from; x < to; ++x) out[c * n + x] = r.agree[x] ? out[c * n + x] : 0.f;
  }
  for (int c = 0; c < 4; ++c) look_up_luma(warp, y, from, to, c, r, out + c * n, there);
}

}  // namespace

// planes, out [batch, channels, h, w]; motions [batch, 24]: turn and shift from source to target, then back; mask [batch, h, w].
extern "C" void reproject(const float* planes, const float* motions, float* out, float* mask, int batch, int channels,
                          int height, int width, int threads) {
  const Size size{height, width};
  const int cells = size.cells(), room = Source::room(size) + 2 * cells, bands = (height + kRows - 1) / kRows;
  std::vector<float> scratch((size_t)batch * room);
  std::vector<Warp> warps;
  for (int b = 0; b < batch; ++b) {
    float* own_room = scratch.data() + (size_t)b * room;
    warps.push_back({{size, planes + (size_t)b * channels * cells, own_room + 2 * cells}, {}, {}, own_room, own_room + cells});
    std::memcpy(&warps[b].forth, motions + b * 24, 2 * sizeof(Motion));
  }
  mundo::in_stages({batch, batch * bands}, threads, [&] {
    return [&, row = Row(width)](int stage, int i) mutable {
      if (stage == 0) return prepare(warps[i].source), land(warps[i]);
      const Target target{out + (size_t)(i / bands) * channels * cells, mask + (size_t)(i / bands) * cells, channels};
      for (int y = i % bands * kRows; y < std::min((i % bands + 1) * kRows, height); ++y)
        fill_row(warps[i / bands], target, y, row);
    };
  });
}
