"""What a study's candidates cost, how sure that is, and where each figure comes from.

``money_of(resolved, result)`` takes the answer of a study and judges all candidates on the same
draws of every uncertain price, draw, rate and rent.
"""

from netloom.money.answer import CandidateMoney, Cheaper, MoneyAnswer, Swing, money_of

__all__ = ["CandidateMoney", "Cheaper", "MoneyAnswer", "Swing", "money_of"]
