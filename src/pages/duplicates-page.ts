/**
 * @file A page to look through duplicates: groups side by side, what is kept marked, and a script of moves made of the
 * choices, to be copied. One file that works from the disk; it changes nothing by itself.
 */
import { movesScript } from './moves-script.js';
import { escapeHtml, linkTo, pageHtml, pictureHtml, pictures } from './page.js';

/** A picture of a group. */
export interface ReviewedPicture {
  id: string;
  /** A path or an address. */
  file: string;
  /** Where a move would put it; null for what is no file. */
  to: string | null;
  /** Size, format, bytes, sharpness: what is to be compared, one to a line. */
  facts: readonly string[];
  /** How it is like the first of its group; empty for the first. */
  likeness: string;
  /** The split that it lies in. */
  split: string | null;
}

/** Pictures that are duplicates of the first, which is kept. */
export interface ReviewedGroup {
  pictures: readonly ReviewedPicture[];
  /** Why the first is kept. */
  reason: string;
  /** Marks the group: a leak between splits, say. */
  mark: string | null;
}

export interface DuplicatesPage {
  title: string;
  subtitle: string;
  /** What was called a duplicate, in sentences. */
  explanation: readonly string[];
  groups: readonly ReviewedGroup[];
  /** The folder that files are moved into. */
  folder: string;
  /** The words of the command that remembers that two items are no duplicates, before their ids; null where it cannot. */
  notCommand: string | null;
}

const [WIDTH, HEIGHT] = [240, 200];

const STYLE = `
body { max-width: 100rem; padding-bottom: 6rem; }
.why { margin: 0 0 1.25rem; padding: .75rem 1rem .75rem 2rem; background: var(--card); border-radius: 8px; max-width: 66rem; }
main { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
section { border: 1px solid var(--line); border-radius: 10px; padding: .6rem .75rem .75rem; max-width: 100%;
  content-visibility: auto; contain-intrinsic-size: auto 560px auto 400px; }
section > p { margin: 0 0 .5rem; color: var(--faint); } section > p b { color: var(--ink); }
.mark { color: light-dark(#8a4b00, #f0b35e); font-weight: 600; }
.row { display: flex; gap: .75rem; flex-wrap: wrap; align-items: stretch; }
.row > article { width: ${WIDTH + 18}px; padding: 8px; border: 1px solid transparent; border-radius: 8px; background: var(--card);
  display: flex; flex-direction: column; }
.row > article:has(.keep:checked) { border-color: var(--mark); box-shadow: 0 0 0 1px var(--mark); }
.frame { display: grid; place-items: center; height: ${HEIGHT}px; }
article .missing { width: 100%; height: 100%; }
label { display: flex; gap: .5rem; align-items: center; font-weight: 600; margin: 8px 0 4px; cursor: pointer; }
input { width: 1.1rem; height: 1.1rem; accent-color: var(--mark); margin: 0; }
.state::before { content: "move away"; color: var(--faint); } .keep:checked + .state::before { content: "keep"; color: var(--mark); }
dl { margin: 0; font-size: 12.5px; font-variant-numeric: tabular-nums; } dd { margin: 0; }
.like { color: var(--faint); font-size: 12.5px; margin: 4px 0; } .path { color: var(--faint); font-size: 12px; overflow-wrap: anywhere; margin-top: auto; }
button, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: .3rem .7rem; cursor: pointer; }
button:hover { border-color: var(--mark); } button.main { background: var(--mark); border-color: var(--mark); color: light-dark(#fff, #10221b); font-weight: 600; }
.no { margin-top: 6px; font-size: 12.5px; padding: .15rem .5rem; align-self: flex-start; } article.not { opacity: .6; } .no[aria-pressed=true] { border-color: var(--mark); color: var(--mark); }
footer { position: fixed; inset: auto 0 0; background: var(--card); border-top: 1px solid var(--line); padding: .6rem clamp(1rem, 3vw, 2.5rem);
  display: flex; gap: .6rem; align-items: center; flex-wrap: wrap; }
footer output { margin-right: auto; font-weight: 600; }
dialog { width: min(60rem, 92vw); color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 10px; }
dialog textarea { width: 100%; height: 50vh; font: 12px/1.4 ui-monospace, monospace; color: inherit; background: var(--card); border: 1px solid var(--line); white-space: pre; }
@media print { footer { display: none; } section { break-inside: avoid; } }`;

/** Runs in the browser; the values that it names stand before it. */
const SCRIPT = `
const one = (selector, within = document) => within.querySelector(selector);
const cards = groups.map((group, g) => group.map((picture, i) => one('#p' + g + '-' + i)));
const kept = (card) => one('.keep', card).checked;
const apart = (card) => one('.no', card)?.getAttribute('aria-pressed') === 'true';
function choices() {
  const moves = [], not = [];
  groups.forEach((group, g) => {
    const keeper = group.findIndex((_, i) => kept(cards[g][i]) && !apart(cards[g][i]));
    group.forEach((picture, i) => {
      const card = cards[g][i];
      card.classList.toggle('not', apart(card));
      if (apart(card)) not.push([group[0].id, picture.id]);
      else if (!kept(card) && keeper >= 0 && picture.to !== null) moves.push({ from: picture.file, to: picture.to, keeper: group[keeper].file });
    });
  });
  return { moves, not };
}
function count() {
  const { moves, not } = choices();
  one('output').value = moves.length + ' of ' + groups.flat().length + ' files to be moved' + (not.length ? ', ' + not.length + ' said to be no duplicates' : '');
  one('#not').hidden = not.length === 0;
}
const shell = one('#shell');
shell.value = /Win/.test(navigator.platform) ? 'powershell' : 'sh';
const word = (text) => /^[\\w@%+=:,./-]+$/.test(text) ? text : shell.value === 'sh' ? "'" + text.replaceAll("'", "'\\\\''") + "'" : "'" + text.replace(/['‘’‚‛]/g, '$&$&') + "'";
function show(title, text, name) {
  one('#shown h2').textContent = title;
  one('#shown textarea').value = text;
  one('#save').download = name;
  one('#save').href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  one('#shown').showModal();
}
one('#script').onclick = () => show('Look through it, then run it', movesScript(choices().moves, folder, shell.value), shell.value === 'sh' ? 'move-duplicates.sh' : 'move-duplicates.ps1');
one('#not').onclick = () => show('These pairs will not be shown again', choices().not.map(([a, b]) => notCommand + ' --not ' + word(a) + ' ' + word(b)).join('\\n') + '\\n', 'not-duplicates.txt');
one('#copy').onclick = async () => {
  const area = one('#shown textarea');
  area.select();
  try { await navigator.clipboard.writeText(area.value); } catch { document.execCommand('copy'); }
  one('#copy').textContent = 'copied';
  setTimeout(() => { one('#copy').textContent = 'copy'; }, 1500);
};
one('#close').onclick = () => one('#shown').close();
document.addEventListener('change', count);
document.addEventListener('click', ({ target }) => {
  if (!target.classList.contains('no')) return;
  target.setAttribute('aria-pressed', target.getAttribute('aria-pressed') !== 'true');
  count();
});
count();`;

/** Makes the page. Pictures that are gone or cannot be read have an empty frame. */
export async function duplicatesPage(page: DuplicatesPage): Promise<string> {
  const { groups } = page;
  const files = groups.flatMap((group) => group.pictures.map(({ file }) => file));
  const made = await pictures(files, WIDTH, HEIGHT);
  const article = (group: ReviewedGroup, picture: ReviewedPicture, g: number, i: number): string => {
    const name = escapeHtml(picture.id);
    const facts = picture.facts.map((fact) => `<dd>${escapeHtml(fact)}</dd>`).join('');
    const not =
      i > 0 && page.notCommand !== null
        ? '<button type="button" class="no" aria-pressed="false">no duplicate</button>'
        : '';
    const split = picture.split === null ? '' : `<dd>in <b>${escapeHtml(picture.split)}</b></dd>`;
    return (
      `<article id="p${g}-${i}"><a class="frame" href="${escapeHtml(linkTo(picture.file))}" target="_blank" rel="noopener">` +
      `${pictureHtml(made.get(picture.file), picture.id)}</a>` +
      `<label><input type="checkbox" class="keep" ${i === 0 ? 'checked ' : ''}aria-label="keep ${name}"><span class="state"></span></label>` +
      `<dl>${facts}${split}</dl><div class="like">${escapeHtml(picture.likeness || group.reason)}</div>` +
      `<div class="path">${name}</div>${not}</article>`
    );
  };
  const sections = groups.map((group, g) => {
    const mark = group.mark === null ? '' : ` <span class="mark">${escapeHtml(group.mark)}</span>`;
    const articles = group.pictures.map((picture, i) => article(group, picture, g, i));
    return `<section><p><b>${g + 1}</b> · ${group.pictures.length} pictures${mark}</p><div class="row">${articles.join('')}</div></section>`;
  });
  const data = {
    groups: groups.map((group) => group.pictures.map(({ id, file, to }) => ({ id, file, to }))),
    folder: page.folder,
    notCommand: page.notCommand,
  };
  const values = Object.entries(data).map(([name, value]) => `const ${name} = ${inScript(value)};`);
  const explained = page.explanation.map((sentence) => `<li>${escapeHtml(sentence)}</li>`).join('');
  const main = `<ul class="why">${explained}</ul>
<main>${sections.join('\n')}</main>
<footer><output></output><button type="button" id="not" hidden>commands for what is no duplicate</button>
<select id="shell" aria-label="kind of script"><option value="sh">sh (Linux, macOS)</option><option value="powershell">PowerShell</option></select>
<button type="button" class="main" id="script">make a script of moves</button></footer>
<dialog id="shown"><h2></h2><textarea readonly spellcheck="false"></textarea>
<p><button type="button" class="main" id="copy">copy</button> <a id="save"><button type="button" tabindex="-1">save as a file</button></a> <button type="button" id="close">close</button></p></dialog>
<script>
${values.join('\n')}
${movesScript.toString().replaceAll('</', '<\\/')}
${SCRIPT}
</script>`;
  return pageHtml(page.title, STYLE, page.subtitle, main);
}

/** JSON that cannot end the script that it stands in. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
