// The known view of a frame as the network's input: what model/view.py's `settled` and `told` compute, many times faster.
// Knows packed planes, cells and tokens; refuses to know torch, and where views come from.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr int kCell = 8, kDepth = 6, kDrawn = 7, kAround = 13, kReach = 6, kChannels = 16, kLight = 7, kHeavens = 24, kClouds = 2, kFog = 3;
constexpr float kWhole = .95f, kLeastKnown = 1e-4f, kLeastAround = 1e-6f, kDepthScale = 1.2f, kFar = 300.f;
constexpr float kSteady = .1f, kOtherClouds = .25f;

struct Grid {
  int height, width;  // in pixels
  int rows() const { return height / kCell; }
  int columns() const { return width / kCell; }
  int cells() const { return rows() * columns(); }
  int pixels() const { return height * width; }
};

using Cells = std::vector<float>;

// Means over cells of what `value(pixel)` gives.
template <typename Value>
Cells means(Grid g, const Value& value) {
  Cells out(g.cells());
  std::vector<float> line(g.width);
  for (int y = 0; y < g.height; ++y) {
    for (int x = 0; x < g.width; ++x) line[x] = value(y * g.width + x);
    float* to = out.data() + y / kCell * g.columns();
    for (int x = 0; x < g.width; x += kCell)
      for (int i = 0; i < kCell; ++i) to[x / kCell] += line[x + i] * (1.f / (kCell * kCell));
  }
  return out;
}

// Sums over squares of kAround cells, of which those beyond the picture are 0.
Cells around(const float* from, Grid g) {
  const int rows = g.rows(), columns = g.columns(), half = kAround / 2;
  Cells across(g.cells()), out(g.cells());
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      for (int i = std::max(x - half, 0); i <= std::min(x + half, columns - 1); ++i) across[y * columns + x] += from[y * columns + i];
  for (int y = 0; y < rows; ++y)
    for (int j = std::max(y - half, 0); j <= std::min(y + half, rows - 1); ++j)
      for (int x = 0; x < columns; ++x) out[y * columns + x] += across[j * columns + x];
  return out;
}

// What fills gaps counts as given by the views that are seen around them.
void share_gaps(const Cells& gap, float* shares, int views, Grid g) {
  Cells total(g.cells());
  std::vector<Cells> near;
  for (int v = 0; v < views; ++v) {
    near.push_back(around(shares + v * g.cells(), g));
    for (int i = 0; i < g.cells(); ++i) near[v][i] /= kAround * kAround, total[i] += near[v][i];
  }
  for (int v = 0; v < views; ++v)
    for (int i = 0; i < g.cells(); ++i) shares[v * g.cells() + i] += gap[i] * near[v][i] / std::max(total[i], kLeastAround);
}

Cells sums(const float* shares, int views, Grid g) {
  Cells out(g.cells());
  for (int v = 0; v < views; ++v)
    for (int i = 0; i < g.cells(); ++i) out[i] += shares[v * g.cells() + i];
  return out;
}

// Cells that are not wholly known, from the picture's border on inwards.
std::vector<unsigned char> slivers(const Cells& known, Grid g) {
  const int rows = g.rows(), columns = g.columns();
  std::vector<unsigned char> open(g.cells()), before;
  auto partial = [&](int at) { return known[at] < kWhole; };
  for (int at = 0; at < g.cells(); ++at) {
    const int y = at / columns, x = at % columns;
    open[at] = partial(at) && (y == 0 || x == 0 || y == rows - 1 || x == columns - 1);
  }
  for (int round = 0; round < kReach; ++round) {
    before = open;
    for (int at = 0; at < g.cells(); ++at) {
      const int y = at / columns, x = at % columns;
      for (int j = std::max(y - 1, 0); j <= std::min(y + 1, rows - 1); ++j)
        for (int i = std::max(x - 1, 0); i <= std::min(x + 1, columns - 1); ++i)
          open[at] |= before[j * columns + i] && partial(at);
    }
  }
  return open;
}

inline float metres(float plane) {
  const float code = (plane + 1) / 2;
  return std::min(std::max(kDepthScale / std::max(code * code, 1e-6f) - kDepthScale, 0.f), kFar);
}

// Half the logarithm to base 2, of 1 to 4; to seven digits, and without a call that would be made pixel by pixel.
inline float enlarged(float ratio) {
  const float held = std::min(std::max(ratio, 1.f), 4.f), part = held < 2 ? held : held / 2;
  const float s = (part - 1) / (part + 1), t = s * s;
  const float series = 1 + t * (1 / 3.f + t * (1 / 5.f + t * (1 / 7.f + t * (1 / 9.f + t * (1 / 11.f)))));
  return 1.442695041f * s * series + (held < 2 ? 0.f : .5f);
}

}  // namespace

// planes [8, h, w] without holes; known and gap [h, w], shares [views, cells], which change to what is settled; grain [cells].
extern "C" void view_settle(const float* planes, float* known, float* gap, float* shares, float* grain, int views, int height,
                            int width) {
  const Grid g{height, width};
  share_gaps(means(g, [&](int i) { return gap[i]; }), shares, views, g);
  const std::vector<unsigned char> open = slivers(sums(shares, views, g), g);
  for (int i = 0; i < views * g.cells(); ++i) shares[i] = open[i % g.cells()] ? 0.f : shares[i];
  for (int y = 0; y < height; ++y) {
    const unsigned char* shut = open.data() + y / kCell * g.columns();
    float *here = known + y * width, *filled = gap + y * width;
    for (int x = 0; x < width; ++x) here[x] = shut[x / kCell] ? 0.f : here[x] + filled[x], filled[x] *= here[x];
  }
  const float *depth = planes + kDepth * g.pixels(), *drawn = planes + kDrawn * g.pixels();
  const Cells much = means(g, [&](int i) { return known[i]; });
  const Cells worn = means(g, [&](int i) { return known[i] * enlarged((metres(drawn[i]) + .5f) / (metres(depth[i]) + .5f)); });
  for (int i = 0; i < g.cells(); ++i) grain[i] = worn[i] / std::max(much[i], kLeastKnown);
}

// latents [16, cells], shares [views, cells], grain [cells], changes [views, 7], depth [h, w] -> tokens [cells / 4, 103] and
// how much of each cell shows another light [cells].
extern "C" void view_tell(const float* latents, const float* shares, const float* grain, const float* changes, const float* depth,
                          float far, float* tokens, float* other_light, int views, int height, int width) {
  const Grid g{height, width};
  const int columns = g.columns(), n = g.cells();
  const Cells known = sums(shares, views, g), sky = means(g, [&](int i) { return depth[i] < far ? 1.f : 0.f; });
  for (int row = 0; row < g.rows(); row += 2)
    for (int column = 0; column < columns; column += 2, tokens += 4 * kChannels + 8 + kHeavens + kLight) {
      float *above = tokens + 4 * kChannels + 8, *light = above + kHeavens;
      std::fill(above, light, 0.f);  // said later
      std::fill(light, light + kLight, 0.f);
      for (int part = 0; part < 4; ++part) {
        const int at = (row + part / 2) * columns + column + part % 2;
        const bool some = known[at] > 0;
        for (int c = 0; c < kChannels; ++c) tokens[4 * c + part] = some ? latents[c * n + at] : 0.f;
        tokens[4 * kChannels + part] = known[at], tokens[4 * kChannels + 4 + part] = some ? grain[at] : 0.f;
        for (int v = 0; v < views; ++v)
          for (int c = 0; c < kLight; ++c)
            light[c] += shares[v * n + at] / std::max(known[at], kLeastKnown) * changes[v * kLight + c] / 4;
      }
      auto squares = [&](int from, int to, float unit) {
        float sum = 0;
        for (int c = from; c < to; ++c) sum += light[c] / unit * (light[c] / unit);
        return 1 - std::exp(-sum);
      };
      const float other = squares(0, kLight, kSteady), clouds = squares(kClouds, kFog + 1, kOtherClouds);
      for (int part = 0; part < 4; ++part) {
        const int at = (row + part / 2) * columns + column + part % 2;
        other_light[at] = other * (1 - clouds * sky[at]);
      }
    }
}
