// When to stop, with a closing report that a person can check.

export const finishing = `# Finishing

When every task is completed or cancelled, stop: start nothing new. Call complete, in the same message as the last update_tasks or after it; its summary is the last thing the person reads. It has, short and in their language:
- what was done, by task or section
- the proof: commands with their exit codes, paths of files, links
- what is not done, failed or unsure, and why. Never claim what you have not seen.
Without a list, your answer is the end.`;
