// What every pass of the full worlds shares: the camera, the ground, noise by baked textures and by integer hashes.
// PLACE is the index of vocabulary.json: 0 meadow, 1 forest, 2 desert, 3 mountains, 4 coast, 5 canyon, 6 town, 7 moon.
uniform sampler2D terrain;  // gb slope, a tint; one texel per TILE/1024 m, periodic
uniform sampler2D heights;  // m, the same texels
uniform sampler2D noise;    // four independent smooth periodic noises in [0,1], 256 x 256
uniform vec3 eye;
uniform mat3 gaze;          // columns: right, up, forward
uniform vec4 window;        // x, y of this picture's corner in the whole picture, width and height of the whole, pixels
uniform float span;         // 2 tan(vertical field of view / 2)
uniform vec2 size;          // pixels of this picture
uniform float top_m, careful, brisk;  // highest ground; shares of a height to step: where none may err, where errors are mended
const float TILE = 512., CELL = 8., FAR = 300.;

float height(vec2 p) { return textureLod(heights, p / TILE, 0.).r; }
vec4 rnd(vec2 p) { return textureLod(noise, p / 256., 0.); }
uint mixed(uint x) { x ^= x >> 16; x *= 0x7feb352du; x ^= x >> 15; x *= 0x846ca68bu; return x ^ (x >> 16); }
float dice(ivec2 p, uint salt) { return float(mixed(uint(p.x) * 0x9e3779b9u ^ mixed(uint(p.y) + salt)) >> 8) / 16777216.; }
vec3 ray(vec2 pixel) { return normalize(gaze * vec3((pixel + window.xy - .5 * window.zw) / window.w * span, 1.)); }
