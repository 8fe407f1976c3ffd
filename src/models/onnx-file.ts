/**
 * @file Serialised ONNX models as bytes: what stands beside the graph, read and written without touching the weights.
 *
 * A model is a protobuf message (onnx.proto), a sequence of fields, each a tag, for most a length, and content. What is
 * needed here walks over fields and copies what it does not know.
 */
import { open } from 'node:fs/promises';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Fields of ModelProto. */
export const MODEL = { irVersion: 1, graph: 7, opset: 8, metadata: 14 } as const;

/** Bytes of one field, tag included. */
export interface Field {
  number: number;
  /** The content of a length-delimited field, else undefined. */
  content: Uint8Array | undefined;
  raw: Uint8Array;
}

/** The fields of a message, in order. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    let content: Uint8Array | undefined;
    if (type === WireType.LengthDelimited) content = reader.bytes();
    else reader.skip(type, number);
    yield { number, content, raw: message.subarray(start, reader.pos) };
  }
}

/** A length-delimited field. */
export function field(number: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(bytes.length).finish();
  return Buffer.concat([head, bytes]);
}

/** Text that stands beside the graph (`metadata_props`), by key, in the order of the file. */
export async function readOnnxMetadata(file: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(20);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(head, 0, head.length, at);
      const reader = new BinaryReader(head.subarray(0, bytesRead));
      const [number, type] = reader.tag();
      if (type !== WireType.LengthDelimited) {
        reader.skip(type, number);
        at += reader.pos;
        continue;
      }
      const length = reader.uint32();
      at += reader.pos;
      if (number === MODEL.metadata) {
        const entry = Buffer.alloc(length);
        await handle.read(entry, 0, length, at);
        const [key, value] = [...fieldsOf(entry)].map((f) => Buffer.from(f.content ?? []).toString());
        found.set(key!, value ?? '');
      }
      at += length;
    }
  } catch {
    return found; // not an ONNX file: the runtime says so
  } finally {
    await handle.close();
  }
  return found;
}

/** The model with more text beside its graph. */
export function withOnnxMetadata(model: Uint8Array, entries: Readonly<Record<string, string>>): Uint8Array {
  const added = Object.entries(entries).map(([key, value]) =>
    field(MODEL.metadata, Buffer.concat([field(1, key), field(2, value)])),
  );
  return Buffer.concat([model, ...added]);
}
