// A known picture in the tones of a drawn one: what model/relight.py's `_relight` computes, many times faster.
// Knows packed planes and cells; refuses to know torch, networks, and why light changed.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr int kCell = 8, kColours = 6, kDepth = 6, kLuma = 4, kParts = 3, kLayers = 6, kSums = 1 + 2 * kParts, kLine = 3 * kParts + 1;
constexpr int kRim = 3, kFirst = 3, kLast = 7;
constexpr float kLevels[kLayers - 1] = {.12f, .22f, .34f, .5f, .8f};
constexpr float kJump = .08f, kPrior = 5e-4f, kSteepest = 2.f, kLeast = 1e-7f, kRimCounts = .3f, kAgrees = .1f, kDoubtful = .01f;
constexpr float kEnough = .05f, kFaint = 1e-4f, kShines[2] = {.12f, .37f}, kShone[2] = {.4f, .7f};

using Values = std::vector<float>;

struct Picture {
  float* known;  // [7 or more, h, w], its colours are changed
  const float *drawn, *mask;
  float sky;  // what depth's plane of it lies below
  int height, width;
  int pixels() const { return height * width; }
  int rows() const { return height / kCell; }
  int columns() const { return width / kCell; }
  int cells() const { return rows() * columns(); }
};

// How many pixels away the next silhouette is, as a king walks; kLast is far.
std::vector<unsigned char> beside(const Picture& p) {
  const int w = p.width, h = p.height;
  const float* depth = p.known + kDepth * p.pixels();
  Values most(p.pixels()), least(p.pixels());
  std::vector<unsigned char> across(p.pixels()), out(p.pixels(), kLast);
  auto span = [](const float* a, const float* b, const float* c, float* high, float* low, int count) {
    for (int x = 0; x < count; ++x) high[x] = std::max(a[x], std::max(b[x], c[x])), low[x] = std::min(a[x], std::min(b[x], c[x]));
  };
  for (int y = 0; y < h; ++y)
    span(depth + std::max(y - 1, 0) * w, depth + y * w, depth + std::min(y + 1, h - 1) * w, &most[y * w], &least[y * w], w);
  for (int y = 0; y < h; ++y) {
    const float *high = &most[y * w], *low = &least[y * w];
    unsigned char* row = &across[y * w];
    for (int x = 0; x < w; ++x) {
      const int left = std::max(x - 1, 0), right = std::min(x + 1, w - 1);
      const float top = std::max(high[x], std::max(high[left], high[right]));
      row[x] = top - std::min(low[x], std::min(low[left], low[right])) > kJump ? 0 : kLast;
    }
    for (int x = 1; x < w; ++x) row[x] = std::min<int>(row[x], row[x - 1] + 1);
    for (int x = w - 2; x >= 0; --x) row[x] = std::min<int>(row[x], row[x + 1] + 1);
  }
  for (int y = 0; y < h; ++y)
    for (int j = std::max(y - kLast, 0); j <= std::min(y + kLast, h - 1); ++j) {
      const unsigned char *row = &across[j * w], away = std::abs(j - y);
      unsigned char* to = &out[y * w];
      for (int x = 0; x < w; ++x) to[x] = std::min(to[x], std::max(row[x], away));
    }
  return out;
}

// Which two layers a pixel is of, the second one being the next, and how much of it is the first.
struct Layers {
  int first;
  float share;
};

inline Layers layers(float depth, float sky) {
  if (depth < sky) return {0, 1.f};
  const float code = (depth + 1) / 2;
  int at = 1;
  while (at < kLayers - 1 && code >= kLevels[at]) ++at;
  if (at == kLayers - 1) return {at, 1.f};
  const float rise = (code - kLevels[at - 1]) / (kLevels[at] - kLevels[at - 1]);
  return {at, 1 - std::min(std::max(rise, 0.f), 1.f)};
}

// Means over each cell and those around it.
Values near(const Values& from, int planes, int rows, int columns) {
  Values out(from.size());
  for (int c = 0; c < planes; ++c)
    for (int y = 0; y < rows; ++y)
      for (int x = 0; x < columns; ++x) {
        float sum = 0;
        int count = 0;
        for (int j = std::max(y - 1, 0); j <= std::min(y + 1, rows - 1); ++j)
          for (int i = std::max(x - 1, 0); i <= std::min(x + 1, columns - 1); ++i, ++count)
            sum += from[(size_t)c * rows * columns + j * columns + i];
        out[(size_t)c * rows * columns + y * columns + x] = sum / count;
      }
  return out;
}

// Of each layer and cell how much there is of it, and the sums of what it shows, known and drawn: [cells, kLayers, kSums].
Values summed(const Picture& p, const std::vector<unsigned char>& rim) {
  const int n = p.pixels();
  Values out((size_t)p.cells() * kLayers * kSums);
  for (int y = 0; y < p.height; ++y)
    for (int x = 0; x < p.width; ++x) {
      const int i = y * p.width + x;
      const float depth = p.known[kDepth * n + i], off = (p.drawn[kDepth * n + i] - depth) / kAgrees, like = 1 / (1 + off * off);
      const float counts = p.mask[i] * (like * like + kDoubtful) * (rim[i] <= kRim ? kRimCounts : 1.f) / (kCell * kCell);
      const Layers at = layers(depth, p.sky);
      float* to = out.data() + ((size_t)(y / kCell * p.columns() + x / kCell) * kLayers + at.first) * kSums;
      auto luma = [&](const float* planes) { return (planes[i] + planes[n + i] + planes[2 * n + i] + planes[3 * n + i]) / kLuma; };
      const float parts[kSums] = {1.f, luma(p.known), p.known[4 * n + i], p.known[5 * n + i],
                                  luma(p.drawn), p.drawn[4 * n + i], p.drawn[5 * n + i]};
      for (int part = 0; part < kSums; ++part) to[part] += counts * at.share * parts[part];
      if (at.share == 1) continue;
      for (int part = 0; part < kSums; ++part) to[kSums + part] += counts * (1 - at.share) * parts[part];
    }
  return out;
}

// One line for each layer and cell: slopes, bases, means, and how much it counts, which the others are multiplied with
// [kLayers, kLine, cells].
Values fitted(const Picture& p, const Values& sums) {
  const int cells = p.cells(), rows = p.rows(), columns = p.columns(), products = 4 * kParts;
  Values moments((size_t)kLayers * products * cells), some((size_t)kLayers * cells);
  for (int layer = 0; layer < kLayers; ++layer) {
    for (int i = 0; i < cells; ++i) {
      const float* from = sums.data() + ((size_t)i * kLayers + layer) * kSums;
      const float much = some[layer * cells + i] = from[0], by = 1 / std::max(much, kLeast);
      for (int part = 0; part < kParts; ++part) {
        float* to = moments.data() + ((size_t)layer * products + part) * cells + i;
        const float guide = from[1 + part] * by, tone = from[1 + kParts + part] * by;
        to[0] = guide * much, to[kParts * cells] = tone * much;
        to[2 * kParts * cells] = guide * guide * much, to[3 * kParts * cells] = guide * tone * much;
      }
    }
  }
  moments = near(moments, kLayers * products, rows, columns), some = near(some, kLayers, rows, columns);
  for (float& much : some) much += kLeast;
  Values lines((size_t)kLayers * kLine * cells);
  for (int part = 0; part < kParts; ++part) {
    Values variance((size_t)kLayers * cells), shared(variance.size());
    double all_shared = 0, all_variance = 0;
    for (int at = 0; at < kLayers * cells; ++at) {
      float* m = moments.data() + ((size_t)(at / cells) * products + part) * cells + at % cells;
      for (int k = 0; k < 4; ++k) m[k * kParts * cells] /= some[at];
      variance[at] = std::max(m[2 * kParts * cells] - m[0] * m[0], 0.f), shared[at] = m[3 * kParts * cells] - m[0] * m[kParts * cells];
      all_shared += shared[at] * some[at], all_variance += variance[at] * some[at];
    }
    const float overall = std::min(std::max((float)(all_shared / std::max(all_variance, (double)kLeast)), 0.f), 1.2f);
    for (int at = 0; at < kLayers * cells; ++at) {
      const float* m = moments.data() + ((size_t)(at / cells) * products + part) * cells + at % cells;
      float* to = lines.data() + ((size_t)(at / cells) * kLine + part) * cells + at % cells;
      const float slope = std::min(std::max((shared[at] + kPrior * overall) / (variance[at] + kPrior), -.5f), kSteepest);
      to[0] = slope * some[at], to[kParts * cells] = (m[kParts * cells] - slope * m[0]) * some[at];
      to[2 * kParts * cells] = m[kParts * cells] * some[at];
    }
  }
  lines = near(lines, kLayers * kLine, rows, columns);
  const Values weight = near(some, kLayers, rows, columns);
  for (int at = 0; at < kLayers * cells; ++at) {
    float* to = lines.data() + (size_t)(at / cells) * kLine * cells + at % cells;
    const float counts = std::min(some[at], kEnough) + kFaint;
    for (int k = 0; k < kLine - 1; ++k) to[k * cells] *= counts / weight[at];
    to[(kLine - 1) * cells] = counts;
  }
  return lines;
}

// Where between two cells a pixel lies: the first one's number, and the share of the second.
struct Between {
  int first, second;
  float share;
};

inline Between between(int pixel, int cells) {
  const float at = std::max((pixel + .5f) / kCell - .5f, 0.f);
  const int first = (int)at;
  return {first, std::min(first + 1, cells - 1), at - first};
}

inline float mix(float a, float b, float share) { return a + (b - a) * share; }

inline float step(float at, const float (&from)[2]) { return std::min(std::max((at - from[0]) / (from[1] - from[0]), 0.f), 1.f); }

void recolour(const Picture& p, const Values& lines, const std::vector<unsigned char>& rim, const float* light, const float* sky) {
  const int n = p.pixels(), cells = p.cells(), columns = p.columns(), planes = kLayers * kLine + 2;
  Values told((size_t)planes * cells), row((size_t)planes * columns);
  for (int i = 0; i < cells; ++i) {
    float* to = told.data() + (size_t)i * planes;
    for (int c = 0; c < kLayers * kLine; ++c) to[c] = lines[(size_t)c * cells + i];
    to[kLayers * kLine] = light[i], to[kLayers * kLine + 1] = sky[i];
  }
  for (int y = 0; y < p.height; ++y) {
    const Between down = between(y, p.rows());
    const float *above = &told[(size_t)down.first * columns * planes], *below = &told[(size_t)down.second * columns * planes];
    for (int k = 0; k < planes * columns; ++k) row[k] = mix(above[k], below[k], down.share);
    for (int x = 0; x < p.width; ++x) {
      const int i = y * p.width + x;
      const Between across = between(x, columns);
      const float *left = row.data() + across.first * planes, *right = row.data() + across.second * planes;
      auto here = [&](int c) { return mix(left[c], right[c], across.share); };
      const float share = here(kLayers * kLine);
      if (share == 0) continue;
      const Layers at = layers(p.known[kDepth * n + i], p.sky);
      float line[kLine];
      for (int k = 0; k < kLine; ++k) {
        line[k] = here(at.first * kLine + k) * at.share;
        if (at.share < 1) line[k] += here((at.first + 1) * kLine + k) * (1 - at.share);
      }
      const float by = 1 / std::max(line[kLine - 1], kLeast);
      float colours[kColours], fresh = 0;
      for (int c = 0; c < kColours; ++c) {
        const int part = std::max(c - kLuma + 1, 0);
        colours[c] = p.known[c * n + i] * line[part] * by + line[kParts + part] * by;
      }
      if (at.first == 0) {
        float more = 0;
        for (int c = 0; c < kLuma; ++c) more += (p.drawn[c * n + i] - colours[c]) / kLuma;
        fresh = std::max({here(kLayers * kLine + 1), step(more, kShines), step(-more, kShone)});
      }
      const float filled = std::min(std::max((kLast - rim[i]) / (float)(kLast - kFirst), 0.f), 1.f);
      for (int c = 0; c < kColours; ++c) {
        const int part = std::max(c - kLuma + 1, 0);
        float &value = p.known[c * n + i], made = colours[c];
        if (fresh > 0) made = mix(made, mix(p.drawn[c * n + i], line[2 * kParts + part] * by, filled), fresh);
        value = mix(value, std::min(std::max(made, -1.f), 1.f), share);
      }
    }
  }
}

}  // namespace

// known [7 or more, h, w], of which the colours change; drawn [7 or more, h, w], mask [h, w], light and sky [h / 8, w / 8]
// as `relight` says; `far` is what depth's plane of the sky lies below.
extern "C" void relight(float* known, const float* drawn, const float* mask, const float* light, const float* sky, float far,
                        int height, int width) {
  const Picture p{known, drawn, mask, far, height, width};
  const std::vector<unsigned char> rim = beside(p);
  recolour(p, fitted(p, summed(p, rim)), rim, light, sky);
}
