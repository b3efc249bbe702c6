// Views of one frame laid over each other, their holes filled: what model/view.py's `gathered` computes, many times faster.
// Knows packed planes and masks; refuses to know torch, where views come from, and what encodes them.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace {

constexpr int kDepth = 6, kCell = 8;
constexpr float kDepthScale = 1.2f, kFar = 300.f, kAgreement = .12f, kNothing = 1e30f, kSome = .02f;

struct View {
  const float *planes, *mask;
};

struct Size {
  int height, width, channels;
  int pixels() const { return height * width; }
};

inline float metres(float plane) {
  float code = (plane + 1) / 2;
  return std::min(std::max(kDepthScale / std::max(code * code, 1e-6f) - kDepthScale, 0.f), kFar);
}

// One row: the surface, then the first view that shows it.
void choose(const View* views, int count, Size size, int row, float* out, float* mask, float* taken, float* surface) {
  const int n = size.pixels(), w = size.width, from = row * w;
  std::fill(surface, surface + w, kNothing);
  for (int v = 0; v < count; ++v) {
    const float *depth = views[v].planes + kDepth * n + from, *known = views[v].mask + from;
    for (int x = 0; x < w; ++x) surface[x] = known[x] > 0 ? std::min(surface[x], metres(depth[x])) : surface[x];
  }
  std::fill(mask + from, mask + from + w, 0.f);
  for (int c = 0; c < size.channels; ++c) std::fill(out + c * n + from, out + c * n + from + w, 0.f);
  for (int v = 0; v < count; ++v) {
    const float *depth = views[v].planes + kDepth * n + from, *known = views[v].mask + from;
    float* take = taken + v * n + from;
    for (int x = 0; x < w; ++x) {
      float off = std::fabs(metres(depth[x]) - surface[x]);
      bool chosen = (known[x] > 0) & (mask[from + x] == 0) & (off <= kAgreement * surface[x]);
      take[x] = chosen ? 1.f : 0.f;
      mask[from + x] += take[x];
    }
    for (int c = 0; c < size.channels; ++c) {
      const float* plane = views[v].planes + c * n + from;
      float* to = out + c * n + from;
      for (int x = 0; x < w; ++x) to[x] = take[x] > 0 ? plane[x] : to[x];
    }
  }
}

// Sums of a plane over squares of kCell.
std::vector<float> sums(const float* plane, Size size) {
  const int columns = size.width / kCell;
  std::vector<float> total((size_t)size.height / kCell * columns), line(size.width);
  for (int row = 0; row < size.height; ++row) {
    const float* p = plane + row * size.width;
    float* to = total.data() + row / kCell * columns;
    if (row % kCell == 0) std::fill(line.begin(), line.end(), 0.f);
    for (int x = 0; x < size.width; ++x) line[x] += p[x];
    if (row % kCell == kCell - 1)
      for (int x = 0; x < size.width; ++x) to[x / kCell] += line[x];
  }
  return total;
}

// Means of what is known around each cell: of squares as small as they can be and still have something known in them.
std::vector<float> soft(const std::vector<float>& total, const std::vector<float>& known, Size cells) {
  float all = 0, all_known = 0;
  for (size_t i = 0; i < total.size(); ++i) all += total[i], all_known += known[i];
  const float area = kCell * kCell, everything = area * total.size();
  std::vector<float> out(total.size(), all / everything / std::max(all_known / everything, 1e-4f));
  for (int side : {4, 2, 1}) {
    if (cells.height % side || cells.width % side) continue;
    for (int top = 0; top < cells.height; top += side)
      for (int left = 0; left < cells.width; left += side) {
        float sum = 0, some = 0;
        for (int y = top; y < top + side; ++y)
          for (int x = left; x < left + side; ++x) sum += total[y * cells.width + x], some += known[y * cells.width + x];
        sum /= area * side * side, some /= area * side * side;
        if (some <= kSome) continue;
        for (int y = top; y < top + side; ++y)
          std::fill_n(out.begin() + y * cells.width + left, side, sum / std::max(some, 1e-4f));
      }
  }
  return out;
}

}  // namespace

// planes [count][channels, h, w] and masks [count][h, w] by address -> out [channels, h, w] without holes; the share of each cell that
// each view gave [count, h / 8, w / 8]; which pixels are known [h, w].
extern "C" void view_gather(const float* const* planes, const float* const* masks, int count, float* out, float* shares,
                            float* mask, int channels, int height, int width) {
  const Size size{height, width, channels}, cells{height / kCell, width / kCell, channels};
  const int n = size.pixels();
  std::vector<View> views;
  for (int v = 0; v < count; ++v) views.push_back({planes[v], masks[v]});
  std::vector<float> taken((size_t)count * n), surface(width);
  for (int row = 0; row < height; ++row)
    choose(views.data(), count, size, row, out, mask, taken.data(), surface.data());
  const std::vector<float> covered = sums(mask, size);
  for (int v = 0; v < count; ++v) {
    const std::vector<float> given = sums(taken.data() + (size_t)v * n, size);
    for (int i = 0; i < cells.pixels(); ++i) shares[v * cells.pixels() + i] = given[i] / (kCell * kCell);
  }
  std::vector<float> line(width);
  for (int c = 0; c < size.channels; ++c) {
    const std::vector<float> fill = soft(sums(out + c * n, size), covered, cells);
    for (int row = 0; row < height; ++row) {
      float* to = out + c * n + row * width;
      const float *here = mask + row * width, *from = fill.data() + row / kCell * cells.width;
      for (int x = 0; x < width; ++x) line[x] = from[x / kCell];
      for (int x = 0; x < width; ++x) to[x] += line[x] * (1 - here[x]);
    }
  }
}

namespace {

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
  const Size size{height, width, 7};
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
    for (int c = 0; c < size.channels; ++c) {
      float* to = drawn + (size_t)c * n + (size_t)y * width;
      const float* from = known + (size_t)c * n + (size_t)y * width;
      for (int x = 0; x < width; ++x) to[x] += (from[x] - to[x]) * share[x];
    }
  }
}
