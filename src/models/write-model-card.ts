/**
 * @file The model card of a model that was trained here: what it is, what it learned from, how well it does, and
 * everything that is needed to make it again.
 *
 * The head is YAML as on the hub (https://huggingface.co/docs/hub/model-cards), so that {@link readModelCard} and other
 * tools find licence and tags; the rest is tables for people.
 */
import { runtimeInfo } from '../graph/index.js';
import { packageVersion } from '../version.js';

/** Things with their values, one row of a table each. A number is written with at most six digits. */
export type Facts = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What a card says. */
export interface ModelCardContent {
  title: string;
  /** What it does, in a sentence or two. */
  summary: string;
  /** An identifier of the hub (`apache-2.0`, `cc-by-4.0`, …); without one the card says that its owner has not chosen. */
  licence?: string | undefined;
  tags?: readonly string[] | undefined;
  /** What the network is: input, parameters, output, backbone with its licence. */
  network: Facts;
  /** Where the images came from, how many, which classes. */
  data: Facts;
  /** What was held out, and how it was chosen. */
  split: Facts;
  /** Loss, optimiser, schedule, augmentation, epochs. */
  training: Facts;
  /** Measured on what was held out. */
  metrics: Facts;
  seed: number;
  /** Added to those of Afterimage, ONNX Runtime and Node. */
  versions?: Facts | undefined;
  /** What it is not for. */
  limits?: string | undefined;
}

/** The text of the card. */
export async function modelCard(content: ModelCardContent): Promise<string> {
  const versions: Facts = {
    afterimage: await packageVersion(),
    'onnxruntime-node': (await runtimeInfo()).version,
    node: process.versions.node,
    ...content.versions,
  };
  const head = [
    ...(content.licence === undefined ? [] : [`license: ${plainYaml(content.licence)}`]),
    'library_name: afterimage',
    'pipeline_tag: image-feature-extraction',
    ...(content.tags?.length ? ['tags:', ...content.tags.map((tag) => `- ${plainYaml(tag)}`)] : []),
  ];
  const parts: [string, string][] = [
    ['Network', table(content.network)],
    ['Data', table(content.data)],
    ['Held out', table(content.split)],
    ['Training', table({ ...content.training, seed: content.seed })],
    ['How good it is', table(content.metrics)],
    ['Made with', table(versions)],
    ['What it is not for', content.limits ?? ''],
    ['Licence', content.licence ?? 'Not stated: whoever trained this model decides, as the data allow.'],
  ];
  const sections = parts.filter(([, text]) => text !== '').map(([title, text]) => `## ${title}\n\n${text}`);
  return `---\n${head.join('\n')}\n---\n\n${[`# ${content.title}`, content.summary, ...sections].join('\n\n')}\n`;
}

function table(facts: Facts): string {
  const rows = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  if (rows.length === 0) return '';
  const lines = rows.map(([name, value]) => `| ${cell(name)} | ${cell(shown(value!))} |`);
  return ['| | |', '|---|---|', ...lines].join('\n');
}

function shown(value: string | number | boolean): string {
  return typeof value === 'number' && !Number.isInteger(value)
    ? `${Number(value.toPrecision(6))}`
    : `${value}`;
}

/** Text that cannot end its cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}

/** A plain value, in quotes where YAML would read something else. */
function plainYaml(text: string): string {
  return /^[\w.-]+( [\w.-]+)*$/.test(text) ? text : JSON.stringify(text);
}
