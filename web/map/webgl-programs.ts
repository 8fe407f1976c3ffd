/** @file The shaders of the WebGL renderer, and how a program is made. */

/** Round points: their place, the place of their colour in the palette, and how much they stand out. */
export const POINTS = {
  vertex: `#version 300 es
in vec2 position;
in uint color;
in uint level;
uniform vec2 center, scale;
uniform float radius, raisedBy;
uniform vec4 faded;
uniform sampler2D palette;
out vec4 ink;
out float edge;
void main() {
  gl_Position = vec4((position - center) * scale, 0.0, 1.0);
  float r = level == 2u ? radius * raisedBy : radius;
  gl_PointSize = 2.0 * r + 2.0;
  edge = r;
  ink = level == 0u ? faded : texelFetch(palette, ivec2(int(color), 0), 0);
}`,
  fragment: `#version 300 es
precision highp float;
in vec4 ink;
in float edge;
uniform float opacity;
out vec4 result;
void main() {
  float far = length(gl_PointCoord - 0.5) * (2.0 * edge + 2.0);
  float alpha = opacity * clamp(edge + 0.5 - far, 0.0, 1.0);
  if (alpha <= 0.0) discard;
  result = vec4(ink.rgb * alpha, alpha);
}`,
};

/** A picture with a rounded border, as one quad. Sizes are in device pixels. */
export const PICTURE = {
  vertex: `#version 300 es
in vec2 corner;
uniform vec2 middle, size, canvas;
uniform float border;
uniform vec4 cell;
out vec2 at;
out vec2 where;
void main() {
  at = (corner - 0.5) * (size + 2.0 * border);
  where = cell.xy + (at / size + 0.5) * cell.zw;
  vec2 pixel = middle + at;
  gl_Position = vec4(pixel.x / canvas.x * 2.0 - 1.0, 1.0 - pixel.y / canvas.y * 2.0, 0.0, 1.0);
}`,
  fragment: `#version 300 es
precision highp float;
in vec2 at;
in vec2 where;
uniform vec2 size;
uniform float border;
uniform vec4 color;
uniform sampler2D tiles;
out vec4 result;
void main() {
  vec2 outside = abs(at) - size * 0.5;
  if (max(outside.x, outside.y) <= 0.0) { result = vec4(texture(tiles, where).rgb, 1.0); return; }
  float r = 2.0 * border;
  float far = length(max(outside - border + r, 0.0)) - r;
  float alpha = clamp(0.5 - far, 0.0, 1.0);
  result = vec4(color.rgb * alpha, alpha);
}`,
};

/** Compiles a pair of shaders. @throws Error with the compiler's message */
export function makeProgram(
  gl: WebGL2RenderingContext,
  source: { vertex: string; fragment: string },
): WebGLProgram {
  const program = gl.createProgram();
  for (const [type, text] of [
    [gl.VERTEX_SHADER, source.vertex],
    [gl.FRAGMENT_SHADER, source.fragment],
  ] as const) {
    const shader = gl.createShader(type)!;
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS))
    throw new Error(
      [
        gl.getProgramInfoLog(program),
        ...(gl.getAttachedShaders(program) ?? []).map((s) => gl.getShaderInfoLog(s)),
      ].join('\n'),
    );
  return program;
}

/** `#rrggbb` as numbers 0..1, opaque. */
export function rgba(color: string): [number, number, number, number] {
  const n = Number.parseInt(color.slice(1), 16);
  return [((n >> 16) & 255) / 255, ((n >> 8) & 255) / 255, (n & 255) / 255, 1];
}
