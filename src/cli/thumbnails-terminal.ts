/** @file Which pictures a terminal can show, by what it says of itself in the environment, or else by asking it. */
import { UsageError } from '../errors.js';

/**
 * The ways of showing a picture in a terminal: kitty's (kitty, Ghostty), iTerm2's (iTerm2, WezTerm, mintty), and sixel
 * (foot, xterm, Windows Terminal, VS Code, Konsole, tmux and others).
 */
export const PROTOCOLS = ['kitty', 'iterm', 'sixel'] as const;

/** One of {@link PROTOCOLS}. */
export type Protocol = (typeof PROTOCOLS)[number];

/** What is known of a terminal. */
export interface TerminalPictures {
  protocol: Protocol;
  /** Pixels of one character. */
  cell: { width: number; height: number };
}

type Environment = Readonly<Record<string, string | undefined>>;

const USUAL_CELL = { width: 10, height: 20 };
/** Milliseconds that a terminal has to answer. */
const PATIENCE = 100;

/**
 * Finds out whether this process's terminal can show pictures; undefined when it cannot.
 * @throws UsageError when AFTERIMAGE_IMAGES holds no known protocol.
 */
export async function terminalPictures(
  env: Environment = process.env,
): Promise<TerminalPictures | undefined> {
  const named = protocolOf(env);
  if (named === 'none') return undefined;
  const answer = process.stdin.isTTY && process.stdout.isTTY ? await askTerminal() : '';
  const { sixel, cell = USUAL_CELL } = readAnswer(answer);
  if (env.AFTERIMAGE_IMAGES === undefined && !process.stdout.isTTY) return undefined;
  const protocol = named ?? (sixel ? 'sixel' : undefined);
  return protocol && { protocol, cell };
}

/**
 * What the environment says: AFTERIMAGE_IMAGES before all, `none` for no pictures, undefined where the terminal must
 * be asked. Within tmux only the latter tells.
 * @throws UsageError as {@link terminalPictures}.
 */
export function protocolOf(env: Environment): Protocol | 'none' | undefined {
  const { AFTERIMAGE_IMAGES: wanted, TERM = '', TERM_PROGRAM = '', LC_TERMINAL = '' } = env;
  if (wanted !== undefined && wanted !== '') {
    const known = [...PROTOCOLS, 'none' as const].find((name) => name === wanted);
    if (known) return known;
    throw new UsageError(
      `AFTERIMAGE_IMAGES: expected ${[...PROTOCOLS, 'none'].join(', ')} but received "${wanted}"`,
    );
  }
  if (TERM === 'dumb') return 'none';
  if (env.TMUX || /^(screen|tmux)/.test(TERM)) return undefined;
  if (env.KITTY_WINDOW_ID || /kitty|ghostty/.test(TERM) || TERM_PROGRAM === 'ghostty') return 'kitty';
  if (['iTerm.app', 'WezTerm', 'mintty'].includes(TERM_PROGRAM) || LC_TERMINAL === 'iTerm2') return 'iterm';
  return undefined;
}

/**
 * Reads what a terminal answers: whether it has sixels (attribute 4 of its primary device attributes), and the size
 * of a character in pixels.
 */
export function readAnswer(answer: string): { sixel: boolean; cell?: TerminalPictures['cell'] } {
  const attributes = /\x1b\[\?([\d;]*)c/.exec(answer)?.[1]?.split(';') ?? [];
  const size = /\x1b\[6;(\d+);(\d+)t/.exec(answer);
  const [height, width] = [Number(size?.[1]), Number(size?.[2])];
  return {
    sixel: attributes.slice(1).includes('4'),
    ...(width > 0 && height > 0 ? { cell: { width, height } } : {}),
  };
}

/** Asks for the size of a character and then for the attributes, which every terminal has; empty when it is silent. */
function askTerminal(): Promise<string> {
  const { stdin, stdout } = process;
  return new Promise((resolve) => {
    let answer = '';
    const raw = stdin.isRaw;
    const end = (): void => {
      clearTimeout(timer);
      stdin.off('data', listen);
      stdin.setRawMode(raw);
      stdin.pause();
      resolve(answer);
    };
    const listen = (data: Buffer): void => {
      answer += data.toString('latin1');
      if (/\x1b\[\?[\d;]*c/.test(answer)) end();
    };
    const timer = setTimeout(end, PATIENCE);
    stdin.setRawMode(true);
    stdin.on('data', listen);
    stdin.resume();
    stdout.write('\x1b[16t\x1b[c');
  });
}
