// Staircases along the edges of depth made smooth: what model/edges.py's `smooth` computes, many times faster.
// Knows bytes of planes and depth; refuses to know torch and cameras.
#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

constexpr float kJump = .08f;
constexpr int kWeights[3] = {1, 4, 1}, kTotal = 36;

inline int held(int at, int size) { return std::min(std::max(at, 0), size - 1); }

// Which pixels have two surfaces within one of them.
std::vector<uint8_t> edges(const float* depth, int height, int width) {
  std::vector<float> most((size_t)height * width), least(most.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const float *row = depth + y * width, a = row[held(x - 1, width)], b = row[x], c = row[held(x + 1, width)];
      most[y * width + x] = std::max(a, std::max(b, c)), least[y * width + x] = std::min(a, std::min(b, c));
    }
  std::vector<uint8_t> out(most.size());
  for (int y = 0; y < height; ++y) {
    const int above = held(y - 1, height) * width, here = y * width, below = held(y + 1, height) * width;
    for (int x = 0; x < width; ++x) {
      const float high = std::max(most[above + x], std::max(most[here + x], most[below + x]));
      const float low = std::min(least[above + x], std::min(least[here + x], least[below + x]));
      out[here + x] = high - low > kJump;
    }
  }
  return out;
}

// A plane `times` as wide and high as the edges, changed where they are.
void smooth(const std::vector<uint8_t>& edge, uint8_t* plane, int times, int height, int width) {
  const int rows = height * times, columns = width * times;
  const std::vector<uint8_t> was(plane, plane + (size_t)rows * columns);
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) {
      if (!edge[y / times * width + x / times]) continue;
      int sum = 0;
      for (int j = 0; j < 3; ++j) {
        const uint8_t* row = was.data() + (size_t)held(y + j - 1, rows) * columns;
        int across = 0;
        for (int i = 0; i < 3; ++i) across += kWeights[i] * row[held(x + i - 1, columns)];
        sum += kWeights[j] * across;
      }
      plane[(size_t)y * columns + x] = (sum + kTotal / 2) / kTotal;
    }
}

}  // namespace

// depth [h, w]; y [2h, 2w], u and v [h, w], changed in place.
extern "C" void edges_smooth(const float* depth, uint8_t* y, uint8_t* u, uint8_t* v, int height, int width) {
  const std::vector<uint8_t> edge = edges(depth, height, width);
  smooth(edge, y, 2, height, width), smooth(edge, u, 1, height, width), smooth(edge, v, 1, height, width);
}
