const showPoolMode = /^\s*show\s+(?:pool_mode|"pool_mode")[\s;]*$/i

/**
 * `SHOW pool_mode` as a statement that PostgreSQL can answer: the setting is the gateway's, not the
 * server's. Undefined for every other text.
 */
export function rewriteShowPoolMode(text: string, mode: string): string | undefined {
  if (!showPoolMode.test(text)) return undefined
  return `select '${mode.replaceAll("'", "''")}'::pg_catalog.text as pool_mode`
}
