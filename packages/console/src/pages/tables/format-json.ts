/**
 * JSON with a line for each thing in it. Only the space between is changed: a number keeps all of its
 * digits and an object its double keys, which reading and writing it with JavaScript's would cost.
 */
export function formatJson(text: string): string {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? []
  let depth = 0
  let formatted = ''
  const line = (): string => `\n${'  '.repeat(depth)}`
  tokens.forEach((token, at) => {
    const isEmpty = /^[{[]$/.test(tokens[at - 1] ?? '')
    if (/^[}\]]$/.test(token)) {
      depth -= 1
      formatted += isEmpty ? token : line() + token
    } else if (/^[{[]$/.test(token)) {
      depth += 1
      formatted += token
      if (!/^[}\]]$/.test(tokens[at + 1] ?? '')) formatted += line()
    } else if (token === ',') formatted += token + line()
    else formatted += token === ':' ? ': ' : token
  })
  return formatted
}
