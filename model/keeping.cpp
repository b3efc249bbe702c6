// What was drawn of a frame, and what stays as it was known: what model/keeping.py's `kept` computes, many times faster.
// Knows packed planes and masks; refuses to know torch, where views come from, and what draws.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr int kCell = 8, kColours = 6, kPlanes = 7;
constexpr int kSoft = 2;  // pixels within which the border of what is known is soft
constexpr float kSame = .15f, kDoubt = 1.f, kLeastCode = 1e-3f, kGuess = 1.f;

struct Size {
  int height, width;
  int pixels() const { return height * width; }
  int rows() const { return height / kCell; }
  int columns() const { return width / kCell; }
  int cells() const { return rows() * columns(); }
};

struct Frame : Size {
  float* planes;  // as drawn; depth is the seventh, and beyond them comes the one that says from how far each was drawn
  const float *known, *from, *mask, *uncovered, *firm;
};

using Cells = std::vector<float>;

// A row of cells' values between their centres: [columns] -> [columns * kCell].
void widen(const float* cells, int columns, float* out) {
  for (int i = 0; i < kCell / 2; ++i) out[i] = cells[0], out[columns * kCell - 1 - i] = cells[columns - 1];
  for (int c = 0; c + 1 < columns; ++c)
    for (int i = 0; i < kCell; ++i)
      out[c * kCell + kCell / 2 + i] = cells[c] + (cells[c + 1] - cells[c]) * ((i + .5f) / kCell);
}

// One row of pixels of what cells [rows, columns] are between their centres.
void between(const float* cells, Size size, int y, float* line, float* out) {
  const float at = std::max((y + .5f) / kCell - .5f, 0.f);
  const int top = (int)at, below = std::min(top + 1, size.rows() - 1), n = size.columns();
  for (int x = 0; x < n; ++x) line[x] = cells[top * n + x] + (cells[below * n + x] - cells[top * n + x]) * (at - top);
  widen(line, n, out);
}

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

// By how much what was drawn has to move to meet what stays: colours, depth's factor less 1 [7, cells]. Each cell looks
// at all, by `reach` [cells, cells].
Cells offsets(const Frame& f, const float* reach) {
  const int n = f.pixels(), w = f.width, cells = f.cells(), columns = f.columns(), sums = kPlanes + 2;
  Cells off((size_t)sums * cells), moved((size_t)sums * cells);
  std::vector<float> stays(w), value(w), same(w);
  auto add = [&](int part, int y, const float* line) {
    float* to = off.data() + (size_t)part * cells + y / kCell * columns;
    for (int x = 0; x < w; x += kCell)
      for (int i = 0; i < kCell; ++i) to[x / kCell] += line[x + i] * (1.f / (kCell * kCell));
  };
  for (int y = 0; y < f.height; ++y) {
    const float *mask = f.mask + y * w, *firm = f.firm + y / kCell * columns;
    for (int x = 0; x < w; ++x) stays[x] = firm[x / kCell] * mask[x];
    for (int c = 0; c < kColours; ++c) {
      const float *known = f.known + c * n + y * w, *drawn = f.planes + c * n + y * w;
      for (int x = 0; x < w; ++x) value[x] = (known[x] - drawn[x]) * stays[x];
      add(c, y, value.data());
    }
    const float *known = f.known + kColours * n + y * w, *drawn = f.planes + kColours * n + y * w;
    for (int x = 0; x < w; ++x) {
      const float stretch = (known[x] + 1) / std::max(drawn[x] + 1, kLeastCode) - 1;
      same[x] = std::fabs(stretch) < kSame ? stays[x] : 0.f, value[x] = stretch * same[x];
    }
    add(kColours, y, value.data()), add(kPlanes, y, stays.data()), add(kPlanes + 1, y, same.data());
  }
  for (int part = 0; part < sums; ++part) {
    float* to = moved.data() + (size_t)part * cells;
    for (int i = 0; i < cells; ++i) {
      const float share = off[(size_t)part * cells + i], *row = reach + (size_t)i * cells;
      for (int j = 0; share != 0 && j < cells; ++j) to[j] += share * row[j];
    }
  }
  for (int part = 0; part < kPlanes; ++part) {
    float* to = moved.data() + (size_t)part * cells;
    const float* weight = moved.data() + (size_t)(part < kColours ? kPlanes : kPlanes + 1) * cells;
    for (int i = 0; i < cells; ++i) to[i] /= weight[i] + kDoubt;
  }
  return moved;
}

// How near each pixel lies to what is not known: 1 well inside of what is, less at its borders.
std::vector<float> inside(const Frame& f) {
  const int w = f.width;
  std::vector<float> a(f.pixels()), b(f.pixels());
  for (int y = 0; y < f.height; ++y) sweep<false>(f.mask + (size_t)y * w, a.data() + (size_t)y * w, w, 1);
  sweep_down<false>(a.data(), b.data(), f);
  for (int y = 0; y < f.height; ++y) sweep<true>(b.data() + (size_t)y * w, a.data() + (size_t)y * w, w, 1);
  sweep_down<true>(a.data(), b.data(), f);
  return b;
}

inline float held(float v) { return std::min(std::max(v, -1.f), 1.f); }

// The row's planes moved to meet what stays, then replaced by it.
void keep_row(const Frame& f, const Cells& offset, const float* near, int y) {
  const int n = f.pixels(), w = f.width, row = y * w;
  std::vector<float> line(f.columns()), moved(w), share(w);
  between(f.firm, f, y, line.data(), share.data());
  for (int x = 0; x < w; ++x) share[x] *= near[row + x];
  const float *mask = f.mask + row, *uncovered = f.uncovered + row, *firm = f.firm + y / kCell * f.columns();
  for (int c = 0; c < kPlanes; ++c) {
    float* to = f.planes + c * n + row;
    const float* known = f.known + c * n + row;
    between(offset.data() + (size_t)c * f.cells(), f, y, line.data(), moved.data());
    for (int x = 0; x < w; ++x) {
      const float met = held(c < kColours ? to[x] + moved[x] : (to[x] + 1) * (1 + moved[x]) - 1);
      const float drawn = met + (known[x] - met) * share[x];
      to[x] = uncovered[x] > 0 ? held(known[x]) : drawn;
    }
  }
  const float *depth = f.planes + kColours * n + row, *from = f.from + row;
  float* to = f.planes + kPlanes * n + row;
  for (int x = 0; x < w; ++x) {
    const float drawn = firm[x / kCell] * mask[x] > .5f ? std::min(from[x], depth[x]) : depth[x];
    to[x] = uncovered[x] > 0 ? kGuess : drawn;
  }
}

}  // namespace

// planes [8, h, w], the first seven as drawn, become those that stay: known [7, h, w], from [h, w], mask [h, w], uncovered
// [h, w], firm [h / 8, w / 8] and reach [cells, cells] as `kept` says.
extern "C" void keeping(float* planes, const float* known, const float* from, const float* mask, const float* uncovered,
                        const float* firm, const float* reach, int height, int width) {
  const Frame f{{height, width}, planes, known, from, mask, uncovered, firm};
  const Cells offset = offsets(f, reach);
  const std::vector<float> near = inside(f);
  for (int y = 0; y < height; ++y) keep_row(f, offset, near.data(), y);
}
