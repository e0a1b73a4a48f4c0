"""`tocsin test`: which tests run, and how what they found is told: on the terminal, as JUnit XML, again and again."""
