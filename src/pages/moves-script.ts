/** @file A script that moves files: for POSIX shells and for PowerShell. Written here, and by pages in the browser. */

/** A file to be moved because another one is kept. All paths are absolute. */
export interface Move {
  from: string;
  to: string;
  /** What is kept in its place; where it is gone, the file is left where it is. */
  keeper: string;
}

/**
 * The text of a script that asks, moves the files, and with `--undo` (`-Undo`) moves them back. It overwrites and
 * deletes nothing, and takes any file name.
 *
 * The function stands alone: pages hold its text and run it in the browser.
 */
export function movesScript(moves: readonly Move[], folder: string, shell: 'sh' | 'powershell'): string {
  const files = moves.length === 1 ? '1 file' : `${moves.length} files`;
  // PowerShell takes typographic quotation marks for plain ones.
  const quoted = (text: string): string =>
    shell === 'sh' ? `'${text.replaceAll("'", "'\\''")}'` : `'${text.replace(/['‘’‚‛]/g, '$&$&')}'`;
  const calls = moves.map(({ from, to, keeper }) => `move_one ${[keeper, from, to].map(quoted).join(' ')}`);
  if (shell === 'sh')
    return `#!/bin/sh
# Moves ${files} elsewhere, because another one like it is kept. Nothing is deleted or overwritten.
# Look through the lines below, take out what should stay, then run it: sh THIS_FILE
# To bring the files back: sh THIS_FILE --undo
set -u
undo=
[ "\${1-}" = --undo ] && undo=yes
folder=${quoted(folder)}
if [ -n "$undo" ]; then question='Move ${files} back out of'; else question='Move ${files} into'; fi
printf '%s %s? [y/N] ' "$question" "$folder"
read -r answer || answer=
case $answer in y|Y|yes) ;; *) echo 'Nothing was moved.'; exit 1 ;; esac
moved=0
left=0
leave() { left=$((left + 1)); printf 'left: %s (%s)\\n' "$1" "$2" >&2; }
move_one() { # what is kept, from, to
  if [ -n "$undo" ]; then set -- "$3" "$3" "$2"; fi
  if [ ! -f "$2" ]; then leave "$2" 'it is not there'
  elif [ ! -f "$1" ]; then leave "$2" "what would be kept is gone: $1"
  elif [ -e "$3" ] || [ -L "$3" ]; then leave "$2" "there is a file already: $3"
  elif mkdir -p "\${3%/*}" && mv -n "$2" "$3" && [ ! -e "$2" ]; then moved=$((moved + 1))
  else leave "$2" 'it cannot be moved'; fi
}
${calls.join('\n')}
echo "$moved moved, $left left."
`;
  return `# Moves ${files} elsewhere, because another one like it is kept. Nothing is deleted or overwritten.
# Look through the lines below, take out what should stay, then run it in PowerShell.
# To bring the files back, run it with -Undo.
param([switch]$Undo)
$folder = ${quoted(folder)}
$question = if ($Undo) { "Move ${files} back out of" } else { "Move ${files} into" }
if ((Read-Host "$question $folder? [y/N]") -notin 'y', 'yes') { 'Nothing was moved.'; exit 1 }
$script:moved = 0
$script:left = 0
function leave($file, $why) { $script:left++; Write-Warning "left: $file ($why)" }
function move_one($keeper, $from, $to) {
  if ($Undo) { $keeper = $to; $from, $to = $to, $from }
  if (-not (Test-Path -LiteralPath $from -PathType Leaf)) { leave $from 'it is not there' }
  elseif (-not (Test-Path -LiteralPath $keeper -PathType Leaf)) { leave $from "what would be kept is gone: $keeper" }
  elseif (Test-Path -LiteralPath $to) { leave $from "there is a file already: $to" }
  else {
    try {
      [void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($to))
      [IO.File]::Move($from, $to)
      $script:moved++
    } catch { leave $from $_.Exception.Message }
  }
}
${calls.join('\n')}
"$moved moved, $left left."
`;
}
