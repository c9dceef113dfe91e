"""Drawing answers: weights in memory, what is kept between questions, one answer or two in a batch."""
