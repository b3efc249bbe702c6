// What is known of a frame put in place of what was drawn: what model/view.py's `keep_known` computes, many times faster.
// Knows packed planes and masks; refuses to know torch, where views come from, and what draws.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace {

struct Size {
  int height, width;
  int pixels() const { return height * width; }
};

constexpr int kCell = 8;
constexpr int kSoft = 2;  // pixels within which the border of what is known is soft

// Along a line of `count` values that lie `step` apart: the least of each and its neighbours, or their mean; 1 beyond.
template <bool kMean>
void sweep(const float* from, float* to, int count, int step) {
  for (int i = 0; i < count; ++i) {
    float out = kMean ? 0.f : 1.f;
    for (int j = i - kSoft; j <= i + kSoft; ++j) {
      const float v = j < 0 || j >= count ? 1.f : from[(size_t)j * step];
      out = kMean ? out + v : std::min(out, v);
    }
    to[(size_t)i * step] = kMean ? out / (2 * kSoft + 1) : out;
  }
}

template <bool kMean>
void sweep_down(const float* from, float* to, Size size) {  // all columns at once, row by row
  const int w = size.width;
  for (int y = 0; y < size.height; ++y) {
    float* line = to + (size_t)y * w;
    std::fill(line, line + w, kMean ? 0.f : 1.f);
    for (int j = y - kSoft; j <= y + kSoft; ++j)
      for (int x = 0; x < w; ++x) {
        const float v = j < 0 || j >= size.height ? 1.f : from[(size_t)j * w + x];
        line[x] = kMean ? line[x] + v : std::min(line[x], v);
      }
    for (int x = 0; kMean && x < w; ++x) line[x] /= 2 * kSoft + 1;
  }
}

}  // namespace

// Drawn planes [7, h, w] are moved toward the known ones by the share that stays: firm [h / 8, w / 8] between cells'
// centres, less at the borders of the mask [h, w].
extern "C" void view_keep(float* drawn, const float* known, const float* mask, const float* firm, int height, int width) {
  const Size size{height, width};
  const int n = size.pixels(), columns = width / kCell, rows = height / kCell;
  std::vector<float> a(n), b(n);
  for (int y = 0; y < height; ++y) sweep<false>(mask + (size_t)y * width, a.data() + (size_t)y * width, width, 1);
  sweep_down<false>(a.data(), b.data(), size);
  for (int y = 0; y < height; ++y) sweep<true>(b.data() + (size_t)y * width, a.data() + (size_t)y * width, width, 1);
  sweep_down<true>(a.data(), b.data(), size);
  auto between = [](int pixel, int count) {
    const float at = std::max((pixel + .5f) / kCell - .5f, 0.f);
    const int first = std::min((int)at, count - 1);
    return std::make_pair(first, at - first);
  };
  for (int y = 0; y < height; ++y) {
    const auto [top, down] = between(y, rows);
    const float *upper = firm + (size_t)top * columns, *lower = firm + (size_t)std::min(top + 1, rows - 1) * columns;
    float* share = b.data() + (size_t)y * width;
    for (int x = 0; x < width; ++x) {
      const auto [left, across] = between(x, columns);
      const int right = std::min(left + 1, columns - 1);
      const float over = upper[left] + (upper[right] - upper[left]) * across;
      const float under = lower[left] + (lower[right] - lower[left]) * across;
      share[x] *= over + (under - over) * down;
    }
    for (int c = 0; c < 7; ++c) {
      float* to = drawn + (size_t)c * n + (size_t)y * width;
      const float* from = known + (size_t)c * n + (size_t)y * width;
      for (int x = 0; x < width; ++x) to[x] += (from[x] - to[x]) * share[x];
    }
  }
}
