"""How far the images of a class lie apart: an evaluator of the pixels alone."""

from dataclasses import dataclass

from ddbench import Coordinates, Evaluator, EvaluatorSettings, FinishedRun, Measurement, setting


class Spread(Evaluator):
    """Mean standard deviation of the pixels of a set, in the input space."""

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of spread."""

        power: float = setting(1.0, "to which it is raised", above=0, high=4)

    settings: Settings

    def skip(self, run: FinishedRun) -> str | None:
        return "one image has no spread" if len(run.distilled) == 1 else None

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        measurements = []
        for subject, distilled in run.subjects.items():
            value = float(distilled.images.std(0).mean()) ** self.settings.power
            where: Coordinates = {"subject": subject}
            measurements.append(Measurement("pixel_spread", value, "input space", (), where))
        return measurements
