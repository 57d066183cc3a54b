// Reads from a vitest report how many tests passed and failed. A run that broke without a failing test, or that ran no
// test, counts as one failure: an empty run must never look green.
export interface Count {
  passed: number;
  failed: number;
}

export function countReport(report: string, exitCode: number): Count {
  const { passed, failed } = parseReport(report);
  const broken = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: broken ? 1 : failed };
}

function parseReport(report: string): Count {
  try {
    const value = JSON.parse(report) as { numPassedTests?: unknown; numFailedTests?: unknown };
    return { passed: Number(value.numPassedTests ?? 0) || 0, failed: Number(value.numFailedTests ?? 0) || 0 };
  } catch {
    return { passed: 0, failed: 0 };
  }
}
