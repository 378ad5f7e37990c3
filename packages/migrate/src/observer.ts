/** Somebody who is told what is being done, and may call it off. */
export interface Observer {
  /** Something that they have to know. */
  note(text: string): void
  /** Something that only matters while they watch. */
  progress(text: string): void
  /** Has `cancel` called once when it is called off, at once where it has been; answers how to take that back. */
  onCancel(cancel: () => void): () => void
}
