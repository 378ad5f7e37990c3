import type { ConnectionDetails } from '@coppice/api'

/** Connection strings below a heading, each alone on its line so that it can be copied whole. */
export function connectionStrings(details: readonly ConnectionDetails[]): string {
  if (details.length === 0) return ''
  const heading = details.length === 1 ? 'Connection string' : 'Connection strings'
  return [heading, ...details.map((detail) => `  ${detail.connection_uri}`)].join('\n')
}
