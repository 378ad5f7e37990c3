/** Settings as lines of postgresql.conf. */
export function renderPgSettings(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}`)
    .join('\n')
}

interface Parsed {
  settings: Record<string, string>
  /** The first that is none. */
  wrongLine: string | undefined
}

/** The settings of such lines; empty ones and comments are nothing. PostgreSQL judges names and values. */
export function parsePgSettings(text: string): Parsed {
  const settings: Record<string, string> = {}
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const match = /^([\w.]+)\s*(?:=\s*|\s)(.+)$/.exec(line)
    const [, name, value] = match ?? []
    if (name === undefined || value === undefined) return { settings, wrongLine: line }
    settings[name] = value.trim().replace(/^'(.*)'$/, '$1')
  }
  return { settings, wrongLine: undefined }
}
