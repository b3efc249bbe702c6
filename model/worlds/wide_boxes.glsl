// A screen rectangle around each thing: plants of one kind (KIND) or solids, for the pass that meets them exactly.
in vec2 corner;
uniform mat3 gaze;
uniform vec4 window;
uniform float span;
uniform vec2 size;
#ifdef KIND
in vec4 at;  // foot relative to the eye, height
in float spin;
out vec4 foot;
out float turn;
const vec3 BOX = KIND == 1 ? vec3(.28, .52, .49) : KIND == 2 ? vec3(.41, .53, .5) : KIND == 3 ? vec3(.36, .52, .5) : vec3(1.2, .80, .22);
#else
in vec4 at, axis, paint, more;  // see solids.py
out vec4 o_at, o_axis, o_paint, o_more;
#endif
void main() {
#ifdef KIND
  foot = at; turn = spin;
  vec3 p = at.xyz + vec3(0., at.w * BOX.z, 0.);
  vec3 r = at.w * BOX.xyx;
#else
  o_at = at; o_axis = axis; o_paint = paint; o_more = more;
  vec3 p = at.xyz;
  vec3 r = vec3(more.y);
#endif
  vec3 q = p * gaze;
  vec3 e = vec3(dot(abs(gaze[0]), r), dot(abs(gaze[1]), r), dot(abs(gaze[2]), r));
#ifndef KIND
  e = r * 1.02;
#endif
  vec2 middle = vec2(0.), half_size = vec2(1.);
  vec2 low = -.5 * window.zw, plane = vec2(window.w / span);
  if (q.z > e.z + .15) {
    float near = q.z - e.z;
    vec2 m = q.xy / q.z * plane, h = (e.xy + abs(q.xy / q.z) * e.z) / near * plane + 1.;
    middle = (m - low - window.xy) / size * 2. - 1.;
    half_size = h / size * 2.;
  } else if (q.z < -e.z) half_size = vec2(0.);
  gl_Position = vec4(middle + corner * half_size, 0., 1.);
}
