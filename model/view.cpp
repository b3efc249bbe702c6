// Views of one frame laid over each other, their holes filled: what model/view.py's `gathered` computes, many times faster.
// Knows packed planes and masks; refuses to know torch, where views come from, and what encodes them.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr int kPlanes = 7, kDepth = 6, kCell = 8;
constexpr float kDepthScale = 1.2f, kFar = 300.f, kAgreement = .12f, kNothing = 1e30f, kOldest = 16, kSome = .02f;

struct View {
  const float *planes, *mask;
  float age;
};

struct Size {
  int height, width;
  int pixels() const { return height * width; }
};

inline float metres(float plane) {
  float code = (plane + 1) / 2;
  return std::min(std::max(kDepthScale / std::max(code * code, 1e-6f) - kDepthScale, 0.f), kFar);
}

// One row: the surface, then the first view that shows it.
void choose(const View* views, int count, Size size, int row, float* out, float* mask, float* age, float* surface) {
  const int n = size.pixels(), w = size.width, from = row * w;
  const View& last = views[count - 1];
  std::fill(surface, surface + w, kNothing);
  for (int v = 0; v < count; ++v) {
    const float *depth = views[v].planes + kDepth * n + from, *known = views[v].mask + from;
    for (int x = 0; x < w; ++x) surface[x] = known[x] > 0 ? std::min(surface[x], metres(depth[x])) : surface[x];
  }
  for (int x = 0; x < w; ++x)
    surface[x] = last.mask[from + x] > 0 ? metres(last.planes[kDepth * n + from + x]) : surface[x];
  std::fill(mask + from, mask + from + w, 0.f), std::fill(age + from, age + from + w, 0.f);
  for (int c = 0; c < kPlanes; ++c) std::fill(out + c * n + from, out + c * n + from + w, 0.f);
  std::vector<float> take(w);
  for (int v = 0; v < count; ++v) {
    const float *depth = views[v].planes + kDepth * n + from, *known = views[v].mask + from;
    const float old = views[v].age;
    for (int x = 0; x < w; ++x) {
      float off = std::fabs(metres(depth[x]) - surface[x]);
      bool chosen = (known[x] > 0) & (mask[from + x] == 0) & (off <= kAgreement * surface[x]);
      take[x] = chosen ? 1.f : 0.f;
      mask[from + x] += take[x];
      age[from + x] = chosen ? old : age[from + x];
    }
    for (int c = 0; c < kPlanes; ++c) {
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

// planes [count][7, h, w] and masks [count][h, w] by address, ages in frames -> out [7, h, w] without holes; known and old
// [h / 8, w / 8] in [0, 1].
extern "C" void view_gather(const float* const* planes, const float* const* masks, const float* ages, int count, float* out,
                            float* known, float* old, int height, int width) {
  const Size size{height, width}, cells{height / kCell, width / kCell};
  const int n = size.pixels();
  std::vector<View> views;
  for (int v = 0; v < count; ++v) views.push_back({planes[v], masks[v], std::min(std::max(ages[v], 0.f), kOldest)});
  std::vector<float> mask(n), age(n), surface(width);
  for (int row = 0; row < height; ++row)
    choose(views.data(), count, size, row, out, mask.data(), age.data(), surface.data());
  const std::vector<float> covered = sums(mask.data(), size), aged = sums(age.data(), size);
  const float area = kCell * kCell;
  for (int i = 0; i < cells.pixels(); ++i) {
    known[i] = covered[i] / area;
    old[i] = aged[i] / area / std::max(known[i], 1e-4f) / kOldest;
  }
  std::vector<float> line(width);
  for (int c = 0; c < kPlanes; ++c) {
    const std::vector<float> fill = soft(sums(out + c * n, size), covered, cells);
    for (int row = 0; row < height; ++row) {
      float* to = out + c * n + row * width;
      const float *here = mask.data() + row * width, *from = fill.data() + row / kCell * cells.width;
      for (int x = 0; x < width; ++x) line[x] = from[x / kCell];
      for (int x = 0; x < width; ++x) to[x] += line[x] * (1 - here[x]);
    }
  }
}
