import { saveBlob } from '../../ui/save-file.ts'

/** Where the text of a file goes, part by part. */
export interface FileSink {
  write: (text: string) => Promise<void>
  close: () => Promise<void>
  /** Leaves nothing behind. */
  abort: () => Promise<void>
}

interface FileKind {
  name: string
  mediaType: string
  extension: string
}

/** The File System Access API, which Chromium has over HTTPS and on this machine. */
interface FilePicker {
  showSaveFilePicker?: (options: object) => Promise<{
    createWritable: () => Promise<WritableStream & Omit<FileSink, 'abort'>>
  }>
}

/**
 * A file that the person chooses and that is written as it comes; where the browser cannot, one that it
 * saves when all of it is there. Undefined where the person has thought better of it.
 */
export async function openFile({
  name,
  mediaType,
  extension,
}: FileKind): Promise<FileSink | undefined> {
  const { showSaveFilePicker } = window as FilePicker
  if (showSaveFilePicker === undefined) return collectFile(name, mediaType)
  try {
    const handle = await showSaveFilePicker({
      suggestedName: name,
      types: [{ accept: { [mediaType]: [`.${extension}`] } }],
    })
    const stream = await handle.createWritable()
    return {
      write: async (text) => stream.write(text),
      close: async () => stream.close(),
      abort: async () => stream.abort(),
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined
    throw error
  }
}

/** Parts become one Blob now and then, which the browser may keep on disk. */
const partsMax = 200

function collectFile(name: string, mediaType: string): FileSink {
  let blob = new Blob([], { type: mediaType })
  let parts: string[] = []
  const gather = (): void => {
    blob = new Blob([blob, ...parts], { type: mediaType })
    parts = []
  }
  return {
    write: async (text) => {
      parts.push(text)
      if (parts.length >= partsMax) gather()
    },
    close: async () => {
      gather()
      saveBlob(name, blob)
    },
    abort: async () => undefined,
  }
}
