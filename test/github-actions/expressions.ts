/** What `${{ … }}` can name: `inputs`, `env`, `secrets`, `steps`, `github`, `runner`. */
export type Contexts = Readonly<Record<string, unknown>>

/** How the job stands, for `success()` and its like. */
export interface JobStatus {
  failed: boolean
}

/** Replaces every `${{ … }}` of a text by its value. */
export function interpolate(text: string, contexts: Contexts, status: JobStatus): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    toText(evaluate(expression, contexts, status)),
  )
}

/** Whether a step or a job with this `if:` runs; what failed before ends a job unless it says otherwise. */
export function isWanted(
  condition: string | boolean | undefined,
  contexts: Contexts,
  status: JobStatus,
): boolean {
  if (condition === undefined) return !status.failed
  const expression = String(condition).replace(/^\s*\$\{\{(.*)\}\}\s*$/s, '$1')
  const asksForStatus = /\b(always|failure|success|cancelled)\(\)/.test(expression)
  return (asksForStatus || !status.failed) && isTruthy(evaluate(expression, contexts, status))
}

/**
 * An expression of GitHub's, as far as our files use them: paths, strings, `==`, `!=`, `!`, `&&`, `||` and
 * the status functions. Anything else is an error, so that a file cannot mean what is not tried here.
 */
function evaluate(text: string, contexts: Contexts, status: JobStatus): unknown {
  const tokens = text.match(/'(?:[^']|'')*'|[\w.-]+(?:\(\))?|==|!=|&&|\|\||[!()]|\S/g) ?? []
  let position = 0
  const take = (token: string): boolean => {
    if (tokens[position] !== token) return false
    position++
    return true
  }
  const or = (): unknown => {
    let left = and()
    while (take('||')) {
      const right = and()
      left = isTruthy(left) ? left : right
    }
    return left
  }
  const and = (): unknown => {
    let left = equality()
    while (take('&&')) {
      const right = equality()
      left = isTruthy(left) ? right : left
    }
    return left
  }
  const equality = (): unknown => {
    const left = unary()
    if (take('==')) return toText(left) === toText(unary())
    if (take('!=')) return toText(left) !== toText(unary())
    return left
  }
  const unary = (): unknown => {
    if (take('!')) return !isTruthy(unary())
    if (!take('(')) return operand(tokens[position++] ?? '', contexts, status)
    const inner = or()
    if (!take(')')) throw new Error(`no ) in ${text}`)
    return inner
  }
  const value = or()
  if (position < tokens.length) throw new Error(`cannot read ${tokens[position]} in ${text}`)
  return value
}

function operand(token: string, contexts: Contexts, { failed }: JobStatus): unknown {
  if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'")
  if (token === 'true' || token === 'false') return token === 'true'
  if (token === 'always()') return true
  if (token === 'success()') return !failed
  if (token === 'failure()') return failed
  const [context = '', ...names] = token.split('.')
  if (!(context in contexts)) throw new Error(`there is no ${token} here`)
  let value = contexts[context]
  for (const name of names) value = (value as Record<string, unknown> | undefined)?.[name]
  return value
}

function isTruthy(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== false && value !== 0
}

function toText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
