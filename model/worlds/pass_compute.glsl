#version 430
// What a text's words mean where it runs as a compute shader. FORMAT0 to FORMAT2 are those of the images it fills.
#define COMPUTE
layout(local_size_x = 8, local_size_y = 8) in;
#ifdef THINGS
#define ACCESS
#else
#define ACCESS writeonly
#endif
layout(FORMAT0, binding = 0) ACCESS uniform image2D into0;
vec2 HERE;      // the pixel's middle
bool missed = false;
vec4 wide(float a) { return vec4(a, 0., 0., 0.); }
vec4 wide(vec2 a) { return vec4(a, 0., 0.); }
vec4 wide(vec4 a) { return a; }
#define OUT0(kind, name) kind name; void store0(ivec2 at) { imageStore(into0, at, wide(name)); }
#ifdef FORMAT1
layout(FORMAT1, binding = 1) writeonly uniform image2D into1;
#define OUT1(kind, name) kind name; void store1(ivec2 at) { imageStore(into1, at, wide(name)); }
#endif
#ifdef FORMAT2
layout(FORMAT2, binding = 2) writeonly uniform image2D into2;
#define OUT2(kind, name) kind name; void store2(ivec2 at) { imageStore(into2, at, wide(name)); }
#endif
#define GIVEN(kind, name) kind name;
#define MISS { missed = true; return; }
#define DEPTH(share)
#define ONLY(wanted) if (!(wanted)) { missed = true; return; }
#ifdef THINGS
layout(std430, binding = 0) readonly buffer Rows { float rows[]; };
vec4 four(uint from) { return vec4(rows[from], rows[from + 1u], rows[from + 2u], rows[from + 3u]); }
#endif
