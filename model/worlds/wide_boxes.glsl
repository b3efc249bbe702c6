// A screen rectangle around each thing: plants of one kind (KIND) or solids, for the pass that meets them exactly.
#ifndef COMPUTE
uniform mat3 gaze;
uniform vec4 window;
uniform float span;
uniform vec2 size;
#endif

vec4 rectangle(vec3 p, vec3 e) {  // of half sizes e, as the camera turns, around p: middle and half size, from -1 to 1
  vec3 q = p * gaze;
  vec2 middle = vec2(0.), half_size = vec2(1.);
  vec2 low = -.5 * window.zw, plane = vec2(window.w / span);
  if (q.z > e.z + .15) {
    float near = q.z - e.z;
    vec2 m = q.xy / q.z * plane, h = (e.xy + abs(q.xy / q.z) * e.z) / near * plane + 1.;
    middle = (m - low - window.xy) / size * 2. - 1.;
    half_size = h / size * 2.;
  } else if (q.z < -e.z) half_size = vec2(0.);
  return vec4(middle, half_size);
}

#ifdef KIND
const vec3 BOX = KIND == 1 ? vec3(.28, .52, .49) : KIND == 2 ? vec3(.41, .53, .5) : KIND == 3 ? vec3(.36, .52, .5) : vec3(1.2, .80, .22);
vec4 of_plant(vec4 at) {  // foot relative to the eye, height
  vec3 r = at.w * BOX.xyx;
  return rectangle(at.xyz + vec3(0., at.w * BOX.z, 0.), vec3(dot(abs(gaze[0]), r), dot(abs(gaze[1]), r), dot(abs(gaze[2]), r)));
}
#else
vec4 of_solid(vec4 at, vec4 more) { return rectangle(at.xyz, vec3(more.y) * 1.02); }  // see solids.py
#endif

#ifdef COMPUTE
vec2 spread(vec2 pixel) { return pixel / size * 2. - 1.; }
#ifdef KIND
vec4 around(uint row) { return of_plant(four(row * 5u)); }
void take(uint row) { foot = four(row * 5u); turn = rows[row * 5u + 4u]; }
#else
vec4 around(uint row) { return of_solid(four(row * 16u), four(row * 16u + 12u)); }
void take(uint row) { o_at = four(row * 16u); o_axis = four(row * 16u + 4u); o_paint = four(row * 16u + 8u); o_more = four(row * 16u + 12u); }
#endif
#else
in vec2 corner;
#ifdef KIND
in vec4 at;
in float spin;
out vec4 foot;
out float turn;
#else
in vec4 at, axis, paint, more;
out vec4 o_at, o_axis, o_paint, o_more;
#endif
void main() {
#ifdef KIND
  foot = at; turn = spin;
  vec4 r = of_plant(at);
#else
  o_at = at; o_axis = axis; o_paint = paint; o_more = more;
  vec4 r = of_solid(at, more);
#endif
  gl_Position = vec4(r.xy + corner * r.zw, 0., 1.);
}
#endif
