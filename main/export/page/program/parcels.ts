/** @file Runs in the exported page. Loads the scripts beside it, each of which hands over one parcel. */
import type { PageParcel } from '../pageData.ts';

type Kind = PageParcel['kind'];
type ValueOf<Wanted extends Kind> = Extract<PageParcel, { kind: Wanted }>['value'];

export class Parcels {
  #last: PageParcel | null = null;

  /** What the scripts call. */
  receive(kind: Kind, value: PageParcel['value']): void {
    this.#last = { kind, value } as PageParcel;
  }

  /** @throws Error that names the file when it is missing or not what it should be. */
  async load<Wanted extends Kind>(file: string, kind: Wanted): Promise<ValueOf<Wanted>> {
    const script = document.createElement('script');
    script.src = file;
    await new Promise<void>((resolve, reject) => {
      script.onload = () => resolve();
      script.onerror = () => reject(new Error(`The file ${file} is missing beside index.html.`));
      document.head.append(script);
    });
    // Its text is large, and was read already.
    script.remove();
    const parcel = this.#last;
    this.#last = null;
    if (parcel?.kind !== kind) throw new Error(`The file ${file} beside index.html is damaged.`);
    return parcel.value as ValueOf<Wanted>;
  }
}

/** Bytes of base64 text. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}
