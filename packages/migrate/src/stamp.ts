/** `20300131T120000Z`: part of a branch's name. */
export function stampOf(time: Date): string {
  return time.toISOString().replaceAll(/[-:]|\.\d+/g, '')
}
