/** `3 h 12 min`, `2 d 4 h`, `40 s`: the two largest units. */
export function formatSpan(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 10 && whole % 60 > 0) return `${minutes} min ${whole % 60} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return withRest(`${hours} h`, minutes % 60, 'min')
  return withRest(`${Math.floor(hours / 24)} d`, hours % 24, 'h')
}

const withRest = (text: string, rest: number, unit: string): string =>
  rest === 0 ? text : `${text} ${rest} ${unit}`
