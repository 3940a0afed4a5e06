"""Training: one recipe type and one loop, for teachers, students and evaluation networks alike."""
