// What falls before a picture: what engine/veil.py's `_over` computes, many times faster.
// Knows sheets and bytes of planes; refuses to know torch, cameras and networks.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr int kCoarse = 8;  // luma pixels between two directions

// A place on a coarse axis of `count` values for a pixel: the value before it, and how far it is on the way to the next.
struct Between {
  int at;
  float on;
  Between(int pixel, int count) {
    const float place = (pixel - .5f * (kCoarse - 1)) / kCoarse;
    at = std::min(std::max((int)std::floor(place), 0), count - 2);
    on = place - at;
  }
};

unsigned char byte(float value) { return (unsigned char)(value + .5f); }

}  // namespace

// Adds a sheet of shares [rows, columns] to what is covered of `open` [height, width], which is 1 where nothing is. `looks`
// [2, height / 8, width / 8]: columns and rows of the sheet in the middles of blocks.
extern "C" void specks_cover(float* open, const float* looks, const float* sheet, float amount, int height, int width, int rows, int columns) {
  const int across = width / kCoarse, along = height / kCoarse;
  std::vector<float> line(2 * across);
  std::vector<Between> places;
  for (int x = 0; x < width; ++x) places.emplace_back(x, across);
  for (int y = 0; y < height; ++y) {
    const Between row(y, along);
    for (int part = 0; part < 2; ++part)
      for (int i = 0; i < across; ++i) {
        const float* above = looks + ((size_t)part * along + row.at) * across + i;
        line[part * across + i] = above[0] + row.on * (above[across] - above[0]);
      }
    for (int x = 0; x < width; ++x) {
      const Between& at = places[x];
      const float column = line[at.at] + at.on * (line[at.at + 1] - line[at.at]);
      const float* low = line.data() + across + at.at;
      const float deep = std::min(std::max(low[0] + at.on * (low[1] - low[0]), 0.f), rows - 1.001f);
      const float left = std::floor(column);
      const int top = (int)deep, first = (((int)left % columns) + columns) % columns, next = (first + 1) % columns;
      const float* upper = sheet + (size_t)top * columns;
      const float* lower = upper + columns;
      const float over = upper[first] + (column - left) * (upper[next] - upper[first]);
      const float under = lower[first] + (column - left) * (lower[next] - lower[first]);
      open[(size_t)y * width + x] *= 1 - amount * (over + (deep - top) * (under - over));
    }
  }
}

// Lays a colour, in bytes of y, u and v, over planes y [height, width], u and v [height / 2, width / 2] where they are not open.
extern "C" void specks_lay(unsigned char* y, unsigned char* u, unsigned char* v, const float* open, const float* colour,
                            int height, int width) {
  for (int i = 0; i < height * width; ++i) y[i] = byte(colour[0] + open[i] * (y[i] - colour[0]));
  for (int row = 0; row < height / 2; ++row)
    for (int x = 0; x < width / 2; ++x) {
      const float* above = open + (size_t)2 * row * width + 2 * x;
      const float kept = .25f * (above[0] + above[1] + above[width] + above[width + 1]);
      const size_t at = (size_t)row * (width / 2) + x;
      u[at] = byte(colour[1] + kept * (u[at] - colour[1]));
      v[at] = byte(colour[2] + kept * (v[at] - colour[2]));
    }
}
