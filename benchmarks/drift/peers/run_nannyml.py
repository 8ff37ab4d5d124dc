"""NannyML's univariate calculator, with the method and the chunks that it picks by default."""

import nannyml
from measured import main


def drifted(reference, current):
    calculator = nannyml.UnivariateDriftCalculator(column_names=list(reference))
    found = calculator.fit(reference).calculate(current)
    table = found.filter(period="analysis").to_df()
    alerts = table.loc[:, table.columns.get_level_values(-1) == "alert"]
    return [column[0] for column in alerts if alerts[column].any()]


main(drifted)
