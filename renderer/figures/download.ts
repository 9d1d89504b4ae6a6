/** @file Runs in the page. A text or picture saved as a file, in a browser and in the window alike; SVG drawn as PNG. */

export const FILE_TYPES = {
  svg: 'image/svg+xml;charset=utf-8',
  png: 'image/png',
  csv: 'text/csv;charset=utf-8',
  html: 'text/html;charset=utf-8',
  json: 'application/json;charset=utf-8',
  /** Settings of a run; the desktop opens them. */
  entail: 'application/x-entail+json;charset=utf-8',
} as const;
export type FileType = keyof typeof FILE_TYPES;

/** Twice the size, so that a picture stays sharp in print. */
const PNG_SCALE = 2;

export function saveFile(name: string, type: FileType, content: string | Blob): void {
  const blob = typeof content === 'string' ? new Blob([content], { type: FILE_TYPES[type] }) : content;
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = `${name}.${type}`;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads the address after the click; it may be given back once that has begun.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** @throws when the browser cannot draw it: the caller tells the person that SVG is there. */
export async function pngOf(svg: string): Promise<Blob> {
  // A data address: the page's policy lets pictures come from there, and the canvas stays readable.
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.width * PNG_SCALE;
  canvas.height = image.height * PNG_SCALE;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser cannot draw pictures.');
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error('The picture could not be drawn.')) : resolve(blob)),
      'image/png',
    ),
  );
}
