/** What an error says, for people; its name where it says nothing. */
export function errorText(error: unknown): string {
  return (error instanceof Error && error.message) || String(error)
}
