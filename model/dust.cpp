// Thin dark things out of the sky: what model/dust.py's `_without_dust` computes, many times faster.
// Knows packed planes; refuses to know torch and cameras.
#include <algorithm>
#include <limits>
#include <vector>

namespace {

constexpr int kDepth = 6, kLuma = 4, kReach = 2, kAround = 4, kHangs = 10;
constexpr float kDarker = .06f, kNone = std::numeric_limits<float>::infinity();

// The most within `kReach` of each pixel, along rows and then along columns; what lies beyond the border counts for nothing.
void most(std::vector<float>& values, int height, int width) {
  std::vector<float> across(values.size());
  for (int y = 0; y < height; ++y) {
    const float* row = values.data() + (size_t)y * width;
    for (int x = 0; x < width; ++x) {
      float best = -kNone;
      for (int i = std::max(x - kReach, 0); i <= std::min(x + kReach, width - 1); ++i) best = std::max(best, row[i]);
      across[(size_t)y * width + x] = best;
    }
  }
  for (int y = 0; y < height; ++y) {
    float* out = values.data() + (size_t)y * width;
    std::fill(out, out + width, -kNone);
    for (int j = std::max(y - kReach, 0); j <= std::min(y + kReach, height - 1); ++j)
      for (int x = 0; x < width; ++x) out[x] = std::max(out[x], across[(size_t)j * width + x]);
  }
}

}  // namespace

// Planes [channels, height, width], of which the colours change; `sky` is what depth's plane of it lies below.
extern "C" void dust_remove(float* planes, float sky, int height, int width) {
  const int n = height * width;
  const float* depth = planes + (size_t)kDepth * n;
  std::vector<float> luma(n), closed(n);
  for (int i = 0; i < n; ++i) {
    luma[i] = (planes[i] + planes[n + i] + planes[2 * n + i] + planes[3 * n + i]) / kLuma;
    closed[i] = depth[i] < sky ? luma[i] : -1.f;
  }
  most(closed, height, width);
  for (float& value : closed) value = -value;
  most(closed, height, width);
  std::vector<unsigned char> clear(n);
  std::vector<int> dust;
  for (int i = 0; i < n; ++i) {
    const bool above = depth[i] < sky;
    const bool hangs = above && i + kHangs * width < n && depth[i + kHangs * width] < sky;
    const bool dark = hangs && -closed[i] - luma[i] > kDarker;
    clear[i] = above && !dark;
    if (dark) dust.push_back(i);
  }
  std::vector<float> colours(dust.size() * kDepth);
  for (size_t at = 0; at < dust.size(); ++at) {
    const int y = dust[at] / width, x = dust[at] % width;
    int count = 0;
    float sums[kDepth] = {};
    for (int j = std::max(y - kAround, 0); j <= std::min(y + kAround, height - 1); ++j)
      for (int i = std::max(x - kAround, 0); i <= std::min(x + kAround, width - 1); ++i) {
        if (!clear[j * width + i]) continue;
        ++count;
        for (int c = 0; c < kDepth; ++c) sums[c] += planes[(size_t)c * n + j * width + i];
      }
    for (int c = 0; c < kDepth; ++c)
      colours[at * kDepth + c] = count ? sums[c] / count : planes[(size_t)c * n + dust[at]];
  }
  for (size_t at = 0; at < dust.size(); ++at)
    for (int c = 0; c < kDepth; ++c) planes[(size_t)c * n + dust[at]] = colours[at * kDepth + c];
}
