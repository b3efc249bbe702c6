// What stands before something farther has one depth where it looks alike: what model/standing.py's `evened` computes, many
// times faster. Knows packed planes; refuses to know torch and cameras.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr int kDepth = 6, kBehind = 16, kTall = 8, kWide = 4, kAcross = 2 * kWide + 1;
constexpr float kJump = .08f, kChroma = 2.f, kNearRows = 6.f, kNearColumns = 3.f, kAlike = .35f, kLevel = .2f;

// Depth and colours as they are compared, each with a margin that is like nothing.
struct Picture {
  int height, width, stride;
  std::vector<float> depth, luma, u, v;
  Picture(const float* p, int height, int width) : height(height), width(width), stride(width + 2 * kWide) {
    const int n = height * width;
    for (auto* part : {&depth, &luma, &u, &v}) part->assign((size_t)stride * (height + 2 * kTall), 1e3f);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const int i = y * width + x, to = at(y, x);
        depth[to] = p[kDepth * n + i], luma[to] = (p[i] + p[n + i] + p[2 * n + i] + p[3 * n + i]) / 4;
        u[to] = kChroma * p[4 * n + i], v[to] = kChroma * p[5 * n + i];
      }
  }
  int at(int y, int x) const { return (y + kTall) * stride + x + kWide; }
};

bool stands(const Picture& p, int y, int x) {
  const float* row = &p.depth[p.at(y, 0)];
  float least = row[x];
  for (int i = std::max(x - kBehind, 0); i <= std::min(x + kBehind, p.width - 1); ++i) least = std::min(least, row[i]);
  return row[x] - least > kJump;
}

inline float square(float x) { return x * x; }

// The mean depth of what is like a pixel around it; `near`: what each of a window's pixels counts for where it lies.
float even(const Picture& p, const float* near, int here) {
  const float depth = p.depth[here], luma = p.luma[here], u = p.u[here], v = p.v[here];
  float sums[kAcross] = {}, weights[kAcross] = {};
  for (int j = -kTall; j <= kTall; ++j, near += kAcross) {
    const int at = here + j * p.stride - kWide;
    for (int i = 0; i < kAcross; ++i) {
      const float unlike = (square(p.luma[at + i] - luma) + square(p.u[at + i] - u) + square(p.v[at + i] - v)) / square(kAlike);
      const float apart = square((p.depth[at + i] - depth) / kLevel);
      const float weight = near[i] * square(std::max(1 - unlike, 0.f)) * square(std::max(1 - apart, 0.f));
      sums[i] += weight * p.depth[at + i], weights[i] += weight;
    }
  }
  float sum = 0, all = 0;
  for (int i = 0; i < kAcross; ++i) sum += sums[i], all += weights[i];
  return sum / all;
}

}  // namespace

// planes [7 or more, h, w] -> the depth plane of `out`, of the same shape.
extern "C" void standing_even(const float* planes, float* out, int height, int width) {
  float near[(2 * kTall + 1) * kAcross];
  for (int j = -kTall; j <= kTall; ++j)
    for (int i = -kWide; i <= kWide; ++i)
      near[(j + kTall) * kAcross + i + kWide] = std::exp(-(square(j / kNearRows) + square(i / kNearColumns)) / 2);
  const Picture p(planes, height, width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      if (stands(p, y, x)) out[(kDepth * height + y) * width + x] = even(p, near, p.at(y, x));
}
