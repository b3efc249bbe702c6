// Gaps beside what is near filled from what lies behind it, and edges cleaned of each other's tint: what model/borders.py's
// `behind`, `beside_edges` and `unmixed` compute, many times faster.
// Knows packed planes and masks; refuses to know torch and cameras.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr int kDepth = 6, kMost = 5, kCrack = 4, kEven = 2, kSoft = 4, kSampled = 2, kRim = 6;
constexpr int kFarBeside = 5, kNearBeside = 4, kOwnFar = 12, kOwnNear = 3, kOther = 8, kInward = 6, kClean = 16, kHangs = 2;
constexpr float kApart = .1f, kSlope = .004f, kSame = .05f, kLike = .12f, kMixed = .1f, kTold = .12f, kChroma = 2.f;

struct Picture {
  float* planes;
  unsigned char* there;
  int channels, height, width;
  int cells() const { return height * width; }
  float depth(int at) const { return planes[kDepth * cells() + at]; }
  float luma(int at) const {
    const int n = cells();
    return (planes[at] + planes[n + at] + planes[2 * n + at] + planes[3 * n + at]) / 4;
  }
};

// One side of a gap of a row, `step` away from it; `from` is the row's first pixel.
struct Side {
  const Picture* picture;
  int from, edge, step, best;
  int at(int column) const { return from + std::min(std::max(column, 0), picture->width - 1); }
  // The farthest within its rim, beyond what is mixed with the other side.
  Side(const Picture& p, int from, int edge, int step) : picture(&p), from(from), edge(edge), step(step), best(edge) {
    const int inside = at(edge + kSampled * step);
    if (p.there[inside] && p.depth(inside) < p.depth(from + edge) + kSlope) best = inside - from;
    for (int beyond = kSampled + 1; beyond <= kRim; ++beyond) {
      const int there = at(edge + beyond * step);
      if (p.there[there] && p.depth(there) < p.depth(from + best) - kSlope) best = there - from;
    }
  }
  // What stands for a pixel of the gap, plane by plane: what is mirrored into it where the texture goes on; else the rim, whose
  // luma is even: side by side its four pixels would be stripes.
  void read(int column, float* out) const {
    const Picture& p = *picture;
    const int rim = from + best, mirrored = at(best + step * std::abs(column - edge));
    const bool goes_on = p.there[mirrored] && std::fabs(p.depth(mirrored) - p.depth(rim)) < kSame &&
                         std::fabs(p.luma(mirrored) - p.luma(rim)) < kLike;
    for (int c = 0; c < p.channels; ++c)
      out[c] = goes_on ? p.planes[c * p.cells() + mirrored] : c < 4 ? p.luma(rim) : p.planes[c * p.cells() + rim];
  }
};

struct Filled {
  int row, column;
};

// Pixels that most around them are known of take the middle one in depth.
void close(const Picture& p, const float* known, float* gap) {
  for (int y = 0; y < p.height; ++y)
    for (int x = 0; x < p.width; ++x) {
      const int here = y * p.width + x;
      if (known[here] != 0) continue;
      int around[9], count = 0, inside = 0;
      for (int j = y - 1; j <= y + 1; ++j)
        for (int i = x - 1; i <= x + 1; ++i) {
          const int row = std::min(std::max(j, 0), p.height - 1), column = std::min(std::max(i, 0), p.width - 1);
          const int at = row * p.width + column;
          if (known[at] == 0) continue;
          inside += row == j && column == i, around[count++] = at;
        }
      if (inside < kMost) continue;
      const int middle = (count - 1) / 2;
      std::nth_element(around, around + middle, around + count, [&](int a, int b) { return p.depth(a) < p.depth(b); });
      for (int c = 0; c < p.channels; ++c) p.planes[c * p.cells() + here] = p.planes[c * p.cells() + around[middle]];
      gap[here] = 1;
    }
}

// A gap between two known pixels of a row.
void fill(Picture& p, const float* hidden, int y, int left, int right, std::vector<Filled>& filled) {
  const int from = y * p.width, n = p.cells();
  const float near = p.depth(from + left), far = p.depth(from + right);
  const bool level = std::fabs(near - far) <= kApart;
  const Side before(p, from, left, -1), after(p, from, right, 1);
  std::vector<float> one(p.channels), other(p.channels);
  for (int x = left + 1; x < right; ++x) {
    if (level && right - left > kCrack && !(hidden[from + x] > 0)) continue;
    const float share = level ? (float)(x - left) / (right - left) : far < near ? 1.f : 0.f;
    before.read(x, one.data()), after.read(x, other.data());
    for (int c = 0; c < p.channels; ++c) {
      const float a = one[c], b = other[c];
      p.planes[c * n + from + x] = share < .5f ? a + (b - a) * share : b - (b - a) * (1 - share);
    }
    filled.push_back({y, x});
  }
}

// Of what was filled, and of what was filled some rows above and below it, the middle.
void even(const Picture& p, const std::vector<Filled>& filled, const std::vector<unsigned char>& from_sides) {
  std::vector<float> middle(filled.size());
  for (int c = 0; c < p.channels; ++c) {
    float* plane = p.planes + c * p.cells();
    for (size_t i = 0; i < filled.size(); ++i) {
      const auto [y, x] = filled[i];
      const int here = y * p.width + x;
      auto beside = [&](int row) {
        const int at = std::min(std::max(row, 0), p.height - 1) * p.width + x;
        return plane[from_sides[at] ? at : here];
      };
      const float above = beside(y - kEven), below = beside(y + kEven);
      middle[i] = std::min(std::max(plane[here], std::min(above, below)), std::max(above, below));
    }
    for (size_t i = 0; i < filled.size(); ++i) plane[filled[i].row * p.width + filled[i].column] = middle[i];
  }
}

// Of what was filled, the mean of what was filled above and below it on the same surface: rows must not show.
void soften(const Picture& p, const std::vector<Filled>& filled, const std::vector<unsigned char>& from_sides) {
  std::vector<float> means(filled.size() * kDepth);
  for (size_t i = 0; i < filled.size(); ++i) {
    const auto [y, x] = filled[i];
    float* mean = &means[i * kDepth];
    float all = 0;
    for (int j = std::max(y - kSoft, 0); j <= std::min(y + kSoft, p.height - 1); ++j) {
      const int at = j * p.width + x;
      if (!from_sides[at] || std::fabs(p.depth(at) - p.depth(y * p.width + x)) >= kSame) continue;
      const float weight = kSoft + 1 - std::abs(j - y);
      for (int c = 0; c < kDepth; ++c) mean[c] += weight * p.planes[c * p.cells() + at];
      all += weight;
    }
    for (int c = 0; c < kDepth; ++c) mean[c] /= all;
  }
  for (size_t i = 0; i < filled.size(); ++i)
    for (int c = 0; c < kDepth; ++c) p.planes[c * p.cells() + filled[i].row * p.width + filled[i].column] = means[i * kDepth + c];
}

// Of a row or a column of depths, `step` apart, what lies beside an edge: 1 on its far side, 2 on its near side.
void beside(const float* depth, unsigned char* sides, int count, int step, float jump, float beyond,
            std::vector<unsigned char>& jumps) {
  auto most = [&](int from, int to) {
    float value = depth[from * step];
    for (int i = from + 1; i <= to; ++i) value = std::max(value, depth[i * step]);
    return value;
  };
  for (int i = 0; i < count; ++i)
    jumps[i] = most(std::max(i - 1, 0), std::min(i + 1, count - 1)) - depth[i * step] > jump;
  for (int i = 0; i < count; ++i) {
    const int from = std::max(i - kFarBeside, 0), to = std::min(i + kFarBeside, count - 1);
    if (!std::count(&jumps[from], &jumps[to] + 1, 1)) continue;
    const float here = depth[i * step];
    unsigned char& side = sides[i * step];
    if (most(from, to) - here > kMixed && here < beyond) side = 1;
    if (side) continue;
    bool jumped = false;
    float least = here;
    for (int k = std::max(i - kNearBeside, 0); k <= std::min(i + kNearBeside, count - 1); ++k)
      jumped |= jumps[k], least = std::min(least, depth[k * step]);
    if (jumped && here - least > kMixed && least < beyond) side = 2;
  }
}

// The mean of pixels, each with a weight.
struct Mean {
  float colours[kDepth] = {}, all = 0;
  void add(const float* planes, int cells, int at, float weight) {
    for (int c = 0; c < kDepth; ++c) colours[c] += weight * planes[c * cells + at];
    all += weight;
  }
  void done() {
    for (float& colour : colours) colour /= all;
  }
};

struct Seen {
  float luma, u, v;
  explicit Seen(const float* c) : luma((c[0] + c[1] + c[2] + c[3]) / 4), u(kChroma * c[4]), v(kChroma * c[5]) {}
  Seen(float luma, float u, float v) : luma(luma), u(u), v(v) {}
  Seen operator-(const Seen& o) const { return {luma - o.luma, u - o.u, v - o.v}; }
  float dot(const Seen& o) const { return luma * o.luma + u * o.u + v * o.v; }
};

// Of a pixel beside an edge: what its own surface looks like, and what stands before it, how much like that it is, and where that
// stands; and whether either is known.
struct Beside {
  int at;
  bool has_own, may;
  float like, before;
  Mean own, other;
};

// A picture with what lies beside its edges: on which side, and how far along rows or columns from the nearest of the other one.
struct Edged {
  const float* planes;
  const unsigned char* sides;
  int height, width;
  std::vector<int> inward;
  int cells() const { return height * width; }
  const float* depth() const { return planes + kDepth * cells(); }
};

void find_inward(Edged& e) {
  e.inward.assign(e.cells(), kClean);
  auto along = [&](int first, int step, int count) {
    int last[3] = {-kInward, -kInward, -kInward};  // where each side was last
    for (int i = 0; i < count; ++i) {
      const int at = first + i * step, side = e.sides[at];
      last[side] = i;
      if (side) e.inward[at] = std::min({e.inward[at], kInward, i - last[3 - side]});
    }
  };
  for (int y = 0; y < e.height; ++y) along(y * e.width, 1, e.width), along((y + 1) * e.width - 1, -1, e.width);
  for (int x = 0; x < e.width; ++x)
    along(x, e.width, e.height), along((e.height - 1) * e.width + x, -e.width, e.height);
}

Beside look_beside(const Edged& e, int y, int x) {
  const int n = e.cells(), here = y * e.width + x, reach = e.sides[here] == 1 ? kOwnFar : kOwnNear;
  const float* depth = e.depth();
  Beside b{here, false, false, 0.f, 0.f, {}, {}};
  for (int j = std::max(y - reach, 0); j <= std::min(y + reach, e.height - 1); ++j)
    for (int i = std::max(x - reach, 0); i <= std::min(x + reach, e.width - 1); ++i) {
      const int at = j * e.width + i, away = (j - y) * (j - y) + (i - x) * (i - x), deeper = e.inward[at] - e.inward[here];
      if (away == 0) continue;
      const float weight = 1.f / ((float)away * away), nearer = depth[at] - depth[here];
      if (deeper > 0 && std::fabs(nearer) < kSame && away <= reach * reach)
        b.own.add(e.planes, n, at, weight * (float)(deeper * deeper));
      if (!e.sides[at] && nearer > kMixed && away <= kOther * kOther && e.sides[here] == 1)
        b.other.add(e.planes, n, at, weight), b.before += weight * depth[at];
    }
  b.has_own = b.own.all > 0;
  if (b.has_own) b.own.done();
  if (!b.has_own || !(b.other.all > 0)) return b;
  b.before /= b.other.all;
  b.other.done();
  float colours[kDepth];
  for (int c = 0; c < kDepth; ++c) colours[c] = e.planes[c * n + here];
  const Seen one(b.own.colours), across = Seen(b.other.colours) - one;
  const float apart = across.dot(across);
  b.may = apart > kTold * kTold;
  if (b.may) b.like = std::min(std::max((Seen(colours) - one).dot(across) / apart, -1.f), 2.f);
  return b;
}

// `see(at, middle)` of each pixel around one, and how far apart they are: one that lies askew counts half.
template <typename See>
void around(const Edged& e, int at, const See& see) {
  const int y = at / e.width, x = at % e.width;
  for (int j = std::max(y - 1, 0); j <= std::min(y + 1, e.height - 1); ++j)
    for (int i = std::max(x - 1, 0); i <= std::min(x + 1, e.width - 1); ++i)
      see(j * e.width + i, (float)((2 - std::abs(j - y)) * (2 - std::abs(i - x))));
}

// Which pixels come to what stands before them: those that look like it, as do those around them, and hang together with it.
std::vector<unsigned char> turning(const Edged& e, const std::vector<Beside>& found) {
  std::vector<float> like(e.cells());
  std::vector<unsigned char> may(e.cells()), turns(e.cells()), kept(e.cells()), next(e.cells());
  for (const Beside& b : found) like[b.at] = b.like, may[b.at] = b.may;
  for (const Beside& b : found) {
    if (!b.may) continue;
    float votes = 0, all = 0;
    around(e, b.at, [&](int at, float weight) { votes += weight * like[at], all += weight * may[at]; });
    turns[b.at] = votes > all / 2;
  }
  for (int round = 0; round < kFarBeside; ++round) {
    for (const Beside& b : found) {
      if (!turns[b.at]) continue;
      int count = 0;
      around(e, b.at, [&](int at, float) {
        const bool there = !turns[at] && std::fabs(e.depth()[at] - b.before) < kMixed;
        count += at != b.at && (there || kept[at]);
      });
      next[b.at] = count >= kHangs;
    }
    kept = next;
  }
  return kept;
}

}  // namespace

// planes [channels, h, w], changed in place; known and hidden [h, w] -> gap [h, w]: what was filled.
extern "C" void borders_fill(float* planes, const float* known, const float* hidden, float* gap, int channels, int height,
                             int width) {
  std::vector<unsigned char> there((size_t)height * width), from_sides((size_t)height * width);
  std::vector<Filled> filled;
  Picture p{planes, there.data(), channels, height, width};
  std::fill(gap, gap + p.cells(), 0.f);
  close(p, known, gap);
  for (int i = 0; i < p.cells(); ++i) there[i] = known[i] + gap[i] > 0;
  for (int y = 0; y < height; ++y) {
    const unsigned char* row = p.there + y * width;
    for (int x = 0, last = -1; x < width; ++x) {
      if (!row[x]) continue;
      if (last >= 0 && x > last + 1) fill(p, hidden, y, last, x, filled);
      last = x;
    }
  }
  for (const Filled& one : filled) from_sides[one.row * width + one.column] = 1, gap[one.row * width + one.column] = 1;
  even(p, filled, from_sides), soften(p, filled, from_sides);
}

// planes [7 or more, h, w], changed in place; sides [h, w]: 1 on the far side of an edge, 2 on its near side, else 0.
extern "C" void borders_unmix(float* planes, const unsigned char* sides, int height, int width) {
  Edged e{planes, sides, height, width, {}};
  find_inward(e);
  std::vector<Beside> found;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      if (sides[y * width + x]) found.push_back(look_beside(e, y, x));
  const std::vector<unsigned char> turns = turning(e, found);
  for (const Beside& b : found) {
    if (!b.has_own) continue;
    for (int c = 0; c < kDepth; ++c) planes[c * e.cells() + b.at] = (turns[b.at] ? b.other : b.own).colours[c];
    if (turns[b.at]) planes[kDepth * e.cells() + b.at] = b.before;
  }
}

// depth [count, h, w] -> sides [count, h, w] of edges of rows, that jump so far, and of columns, so far and before the sky.
extern "C" void borders_beside(const float* depth, unsigned char* sides, int count, int height, int width, float jump,
                               float upright, float sky) {
  std::vector<unsigned char> jumps(std::max(height, width)), columns((size_t)height * width);
  for (int k = 0; k < count; ++k, depth += height * width, sides += height * width) {
    std::fill_n(sides, height * width, 0), std::fill(columns.begin(), columns.end(), 0);
    for (int y = 0; y < height; ++y) beside(depth + y * width, sides + y * width, width, 1, jump, 1.f, jumps);
    for (int x = 0; x < width; ++x) beside(depth + x, columns.data() + x, height, width, upright, sky, jumps);
    for (int i = 0; i < height * width; ++i)
      if (columns[i] && sides[i] != 1) sides[i] = columns[i] == 1 ? 1 : 2;
  }
}
