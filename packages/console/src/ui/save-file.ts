/** Until then the browser has begun to save it. */
const revokeAfterMs = 60_000

/** Has the browser save something as a file, as if it had been downloaded. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob)
  Object.assign(document.createElement('a'), { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), revokeAfterMs)
}

export const saveFile = (name: string, type: string, text: string): void =>
  saveBlob(name, new Blob([text], { type }))
