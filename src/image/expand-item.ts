/** @file One image of a run: what it is called and where its bytes come from. */
import type { ImageError } from '../errors.js';
import type { ImageInput } from './types.js';

/** One image to embed. */
export interface SourceItem {
  /** The path, URL or `archive.zip/member.jpg`, with `/` between its parts; the same in every run over the same inputs. */
  id: string;
  /** What `readSource` reads. For an item that cannot be read it is a stream that fails with the reason. */
  input: ImageInput;
  /** A caption that came with the image: the `.txt` member of the same key in a webdataset archive. */
  text?: string;
  /** What else came with it: the `.json` member's fields, and `class` from the `.cls` member. */
  metadata?: Record<string, unknown>;
}

/** An item whose reading fails with `error`, so that it becomes a failure record like any other. */
export function failingItem(id: string, error: ImageError): SourceItem {
  return {
    id,
    input: new ReadableStream<Uint8Array>(
      { pull: (controller) => controller.error(error) },
      { highWaterMark: 0 },
    ),
  };
}
